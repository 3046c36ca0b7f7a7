"""A provider of our own: discovery, authorization with PKCE, a token endpoint that asks who the client is, keys that change;
and on demand everything that a provider must not do."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CLIENT_ID, CLIENT_SECRET = "slipway-client", "a secret of ours"
ANN = {"sub": "ann-1", "email": "Ann@Example.com", "email_verified": True, "name": "Ann"}


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Grant:
    challenge: str
    nonce: str
    redirect_uri: str
    person: dict[str, Any]


@dataclass
class Issuer:
    """`wrong` names what it does wrong; `asked` are the paths that it was asked for."""

    person: dict[str, Any] = field(default_factory=lambda: dict(ANN))
    wrong: str = ""
    codes_last: bool = False
    thin: bool = False  # address and name at the user info endpoint only
    discovery: dict[str, Any] = field(default_factory=dict)  # what its document says differently
    asked: list[str] = field(default_factory=list)
    grants: dict[str, Grant] = field(default_factory=dict)
    kid: str = "first"
    key: Any = None

    def __post_init__(self) -> None:
        self.key = self.key or rsa_key()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def setting(self, **changes: str) -> str:
        """SLIPWAY_OIDC with this issuer."""
        own = {"id": "test", "name": "Test", "issuer": self.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return json.dumps([{**own, **changes}])

    def rotate(self) -> None:
        """From now on another key, of another kind, and no word of the old one."""
        self.kid, self.key = "second", ec.generate_private_key(ec.SECP256R1())

    def grant(self, challenge: str, nonce: str, redirect_uri: str, person: dict[str, Any]) -> str:
        """A code."""
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(challenge, nonce, redirect_uri, dict(person))
        return code

    # ── What it answers ─────────────────────────────────────────────────────────────────────────────────────────

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?tenant=1",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            **self.discovery,
        }

    def jwks(self) -> dict[str, Any]:
        public = self.key.public_key()
        kind = jwt.algorithms.RSAAlgorithm if isinstance(self.key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
        shared = {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")}
        unknown = {"kty": "of tomorrow", "kid": "new"}
        return {"keys": [{**kind.to_jwk(public, as_dict=True), "kid": self.kid, "use": "sig"}, shared, unknown, "?"]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent: somebody has logged in and agreed."""
        assert query["client_id"] == CLIENT_ID and query["response_type"] == "code" and query["tenant"] == "1"
        assert query["code_challenge_method"] == "S256" and "openid" in query["scope"].split()
        code = self.grant(query["code_challenge"], query["nonce"], query["redirect_uri"], self.person)
        more = {"iss": self.url} if self.discovery.get("authorization_response_iss_parameter_supported") else {}
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], **more})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        basic = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        post = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        methods = self.document()["token_endpoint_auth_methods_supported"]
        if not (authorization == basic and methods[0] == "client_secret_basic") and not post:
            return 401, {"error": "invalid_client"}
        found = self.grants.get(form["code"]) if self.codes_last else self.grants.pop(form["code"], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        )
        if not found or found.challenge != challenge or found.redirect_uri != form["redirect_uri"]:
            return 400, {"error": "invalid_grant", "error_description": "no such code"}
        access = secrets.token_urlsafe(8)
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": self.id_token(found, access)}

    def id_token(self, grant: Grant, access_token: str) -> str:
        now, said = int(time.time()), grant.person
        if self.thin:
            said = {"sub": said["sub"]}
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {
            "iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": grant.nonce,
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="), **said,
        }  # fmt: skip
        kid, key, algorithm = self.kid, self.key, "RS256" if isinstance(self.key, rsa.RSAPrivateKey) else "ES256"
        match self.wrong:
            case "nonce":
                claims["nonce"] = "of another login"
            case "no nonce":
                del claims["nonce"]
            case "audience":
                claims["aud"] = "another client"
            case "audience, and our party":
                claims |= {"aud": "another client", "azp": CLIENT_ID}
            case "two audiences":
                claims["aud"] = [CLIENT_ID, "another client"]
            case "party":
                claims |= {"aud": [CLIENT_ID, "another client"], "azp": "another client"}
            case "issuer":
                claims["iss"] = "https://another.example"
            case "expired":
                claims |= {"iat": now - 600, "exp": now - 300}
            case "no expiry":
                del claims["exp"]
            case "access token":
                claims["at_hash"] = base64.urlsafe_b64encode(b"x" * 16).decode().rstrip("=")
            case "subject":
                claims["sub"] = "x" * 256
            case "kid":
                kid = "unknown"
            case "signature":
                key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            case "none":
                key, algorithm = None, "none"
            case "shared key":
                kid, key, algorithm = "shared", b"k" * 32, "HS256"
            case "public key as secret":
                return _hs256(
                    claims, kid, self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
                )
            case "no token":
                return ""
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def _hs256(claims: dict[str, Any], kid: str, secret: bytes) -> str:
    """By hand: PyJWT refuses to sign with a public key."""
    import hmac

    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": kid}, claims)]
    text = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    signed = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            issuer.asked.append(url.path)
            if issuer.wrong.startswith(f"{url.path} "):
                return self._misbehave(issuer.wrong.partition(" ")[2])
            match url.path:
                case "/.well-known/openid-configuration":
                    self._say(200, issuer.document())
                case "/jwks":
                    self._say(200, issuer.jwks())
                case "/userinfo":
                    assert self.headers["authorization"].startswith("Bearer ")
                    self._say(200, {**issuer.person, **({"sub": "eve"} if issuer.wrong == "userinfo" else {})})
                case "/authorize":
                    self.send_response(302)
                    location = issuer.authorize({name: v[0] for name, v in parse_qs(url.query).items()})
                    self.send_header("location", location)
                    self.end_headers()
                case _:
                    self._say(200, {"issuer": issuer.url, "keys": []})

        def do_POST(self) -> None:
            issuer.asked.append(self.path)
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            if issuer.wrong.startswith(f"{self.path} "):
                return self._misbehave(issuer.wrong.partition(" ")[2])
            self._say(*issuer.token({k: v[0] for k, v in form.items()}, self.headers.get("authorization", "")))

        def _misbehave(self, how: str) -> None:
            match how:
                case "redirects":
                    self.send_response(307)
                    self.send_header("location", f"{issuer.url}/elsewhere")
                    self.end_headers()
                case "drips":
                    self.send_response(200)
                    self.end_headers()
                    try:
                        for _ in range(100):
                            self.wfile.write(b" ")
                            time.sleep(0.05)
                    except OSError:
                        issuer.asked.append("hung up")
                case "is huge":
                    self._say(200, {"x": "x" * 300_000})
                case "fails":
                    self._say(500, {"error": "server_error"})
                case "says nonsense":
                    self._say(200, ["no", "object"])

        def _say(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@cache
def standing() -> Issuer:
    """One for a whole test process, whose codes may be used again; it ends with the process."""
    return Issuer(codes_last=True)
