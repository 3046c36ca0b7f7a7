"""A second opinion on the templates: ministack, an emulator of AWS, deploys them through its CloudFormation, and a
route is called through its API Gateway. No Docker, no account; loopback only; ended within MINUTES.

It is an oracle for the templates and no runtime: it has no Aurora here, so routes that read the database are not
called, and what it does not know is taken out of a template first, with all that names it, and listed.
"""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from stacks import layer
from stacks.environment import ROOT

MINISTACK = "ministack==1.5.33"  # in an environment of its own: it pins botocore
MINUTES = 6
HOME = ROOT / "build" / "oracle"
ACCOUNT, REGION = "000000000000", "eu-central-1"
# There is no Postgres behind the emulated Aurora for the migrations to reach.
NOT_HERE = {"AWS::CloudFormation::CustomResource"}
SMALL = 51_200  # bytes of a template that may be sent inline


class Disagrees(RuntimeError):
    """The emulator did not do what the templates say."""


def install() -> Path:
    """The emulator's own Python."""
    python = HOME / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([layer.uv(), "venv", "--quiet", "--no-config", str(HOME / "venv")], check=True)
    subprocess.run(
        [layer.uv(), "pip", "install", "--quiet", "--no-config", "--python", str(python), MINISTACK], check=True
    )
    return python


def known_types(python: Path) -> set[str]:
    """The resource types that the emulator makes."""
    code = (
        "import json; from ministack.services.cloudformation import provisioners as p; "
        "print('\\n' + json.dumps([t for t, h in p._RESOURCE_HANDLERS.items() if 'create' in h]))"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.strip().splitlines()[-1]))


@contextmanager
def emulator(python: Path) -> Iterator[str]:
    """Its address, while it runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chosen = {
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
        "LOG_LEVEL": "WARNING",
        # Its Lambdas are started as `python3`: the one that the layer below was built for.
        "PATH": f"{python.parent}:{os.defpath}",
        "HOME": str(HOME),
        "TMPDIR": str(HOME / "tmp"),
    }
    (HOME / "tmp").mkdir(exist_ok=True)
    with (HOME / "ministack.log").open("w") as log:
        process = subprocess.Popen([python, "-m", "ministack"], env=chosen, stdout=log, stderr=log, cwd=HOME)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, process)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(HOME / "tmp", ignore_errors=True)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_ministack/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise Disagrees(f"ministack did not start: see {HOME / 'ministack.log'}")


def client(service: str, address: str) -> Any:
    """The emulator takes any key; without one boto3 would look for the operator's own."""
    key = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=address, region_name=REGION, **key)


def zipped(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(folder).as_posix())
    return content.getvalue()


def for_here(asset: Path) -> Path:
    """The asset; a layer of third-party packages built anew, since the templates' own is for Lambda's processor."""
    if not (asset / "python" / "pydantic").is_dir():
        return asset
    name = "single" if (asset / "python" / "fastapi").is_dir() else "deps"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return layer.ensure(HOME / name, version, f"{platform.machine()}-manylinux_2_28", layer.lock(name))


def upload(address: str, templates: Path) -> int:
    """What `cdk deploy` would: every asset to the bucket that the templates name. The number of assets."""
    s3 = client("s3", address)
    done: set[str] = set()
    for file in sorted(templates.glob("*.assets.json")):
        for asset in json.loads(file.read_text())["files"].values():
            source = templates / asset["source"]["path"]
            if asset["source"]["packaging"] != "zip":
                continue  # the templates themselves
            for to in asset["destinations"].values():
                bucket, key = to["bucketName"].replace("${AWS::AccountId}", ACCOUNT), to["objectKey"]
                if key in done:
                    continue
                if not done:
                    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
                s3.put_object(Bucket=bucket, Key=key, Body=zipped(for_here(source)))
                done.add(key)
    return len(done)


def order(templates: Path) -> list[str]:
    """Stack names, each after those it depends on."""
    artifacts = json.loads((templates / "manifest.json").read_text())["artifacts"]
    stacks = {name for name, a in artifacts.items() if a["type"] == "aws:cloudformation:stack"}
    placed: list[str] = []

    def place(name: str) -> None:
        for needed in artifacts[name].get("dependencies", []):
            if needed in stacks and needed not in placed:
                place(needed)
        if name not in placed:
            placed.append(name)

    for name in sorted(stacks):
        place(name)
    return placed


def prune(template: dict[str, Any], known: set[str]) -> list[tuple[str, str]]:
    """Take out what the emulator does not know, and whatever names it. The (logical id, type) of each."""
    resources, gone = template.get("Resources", {}), []
    out = {id for id, resource in resources.items() if not makes(resource, known)}
    while out:
        gone += [(id, resources.pop(id)["Type"]) for id in sorted(out)]
        names = {id for id, _ in gone}
        for resource in resources.values():
            depends = resource.get("DependsOn", [])
            kept = [id for id in ([depends] if isinstance(depends, str) else depends) if id not in names]
            resource["DependsOn"] = kept
        out = {id for id, resource in resources.items() if mentions(resource.get("Properties", {})) & names}
    outputs = template.get("Outputs", {})
    for name in [n for n, output in outputs.items() if mentions(output) & {id for id, _ in gone}]:
        del outputs[name]
    return gone


def makes(resource: dict[str, Any], known: set[str]) -> bool:
    """Whether the emulator makes such a resource. It knows alarms, but not those over several metrics."""
    kind = resource["Type"]
    return kind in known - NOT_HERE and not (kind == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"])


def stand_in(value: Any, secret: str) -> Any:
    """The value with `secret` in the place of the password's secret, which the emulated Aurora does not make."""
    if isinstance(value, dict):
        if str(value.get("Fn::GetAtt", ["", ""])[1]).startswith("MasterUserSecret"):
            return secret
        return {key: stand_in(inner, secret) for key, inner in value.items()}
    return [stand_in(inner, secret) for inner in value] if isinstance(value, list) else value


def mentions(value: Any) -> set[str]:
    """The logical ids that a value refers to."""
    if isinstance(value, dict):
        found = set().union(*(mentions(inner) for inner in value.values()))
        if "Ref" in value:
            found.add(str(value["Ref"]))
        if "Fn::GetAtt" in value:
            found.add(str(value["Fn::GetAtt"][0]))
        return found
    if isinstance(value, list):
        return set().union(*(mentions(inner) for inner in value))
    return set()


def deploy(address: str, name: str, template: dict[str, Any]) -> str:
    """The stack's final status; the reasons follow when it failed."""
    cloudformation, text = client("cloudformation", address), json.dumps(template)
    where = {"TemplateBody": text}
    if len(text) > SMALL:
        bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
        client("s3", address).put_object(Bucket=bucket, Key=f"{name}.json", Body=text.encode())
        where = {"TemplateURL": f"https://{bucket}.s3.{REGION}.amazonaws.com/{name}.json"}
    cloudformation.create_stack(StackName=name, Capabilities=["CAPABILITY_NAMED_IAM"], **where)
    until = time.monotonic() + 90
    status = "CREATE_IN_PROGRESS"
    while status.endswith("_IN_PROGRESS") and time.monotonic() < until:
        time.sleep(0.2)
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    if status != "CREATE_COMPLETE":
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}" for e in events]
        status += " " + "; ".join(reason for reason in reasons if not reason.endswith(": "))[:600]
    return status


def call(address: str, method: str, path: str) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(f"{address}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text.startswith(b"{") else {"text": text.decode(errors="replace")}


def main() -> None:
    started = time.monotonic()
    HOME.mkdir(parents=True, exist_ok=True)
    python = install()
    templates = HOME / "cdk.out"
    shutil.rmtree(templates, ignore_errors=True)
    subprocess.run([ROOT / "scripts" / "synth", "dev", templates], check=True, timeout=120, stdout=subprocess.DEVNULL)
    known, failed, deployed, left_out = known_types(python), list[str](), 0, 0
    with emulator(python) as address:
        version = "/cdk-bootstrap/hnb659fds/version"
        client("ssm", address).put_parameter(Name=version, Value="30", Type="String")
        secret = client("secretsmanager", address).create_secret(Name="owner", SecretString='{"password": "none"}')[
            "ARN"
        ]
        print(f"{upload(address, templates)} assets uploaded")
        for name in order(templates):
            if time.monotonic() > started + MINUTES * 60:
                raise Disagrees(f"not finished after {MINUTES} minutes, at {name}")
            template = stand_in(json.loads((templates / f"{name}.template.json").read_text()), secret)
            gone = prune(template, known)
            count = len(template["Resources"])
            status = deploy(address, name, template) if count else "nothing left to deploy"
            print(f"{name}: {count} resources, {status}")
            for id, kind in gone:
                print(f"    without {id} ({kind})")
            failed += [name] if count and status != "CREATE_COMPLETE" else []
            deployed, left_out = deployed + count, left_out + len(gone)
        print(f"{deployed} resources deployed, {left_out} left out")
        failed += ask(address)
    if failed:
        raise Disagrees(f"the emulator disagrees about {', '.join(failed)}")
    print(f"agreed, in {time.monotonic() - started:.0f} s")


def ask(address: str) -> list[str]:
    """Call through the emulated gateway; the requests that were answered otherwise than expected."""
    exports = client("cloudformation", address).list_exports()["Exports"]
    api = next(export["Value"] for export in exports if export["Name"] == "slipway-dev-http-api")
    failed = []
    for method, path, wanted in (("GET", "/v1", 200), ("GET", "/v1/me", 401), ("GET", "/v1/no/such/route", 404)):
        status, body = call(address, method, f"/_aws/execute-api/{api}/$default{path}")
        print(f"{method} {path}: {status} {json.dumps(body)[:200]}")
        failed += [f"{method} {path}"] if status != wanted else []
    return failed


if __name__ == "__main__":
    try:
        main()
    except Disagrees as error:
        sys.exit(str(error))
