"""All stacks of one environment, in the order in which they are deployed."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk

from stacks import nag, routes
from stacks.background import Background
from stacks.data import Data
from stacks.edge import Edge, public_url, socket_url
from stacks.environment import Environment
from stacks.execution import Execution
from stacks.http import Http
from stacks.mail import Mail
from stacks.migration import Migration, Settlement
from stacks.network import Network
from stacks.places import Names, Places
from stacks.queues import Queues
from stacks.single import Single
from stacks.socket import Socket
from stacks.storage import Storage
from stacks.watch import Watch


def build(app: cdk.App, environment: Environment) -> None:
    """Names, ids and roles flow downwards only; what comes later depends on all that came before, because a stack
    knows most of its neighbours by their fixed names and CloudFormation cannot see such a dependency."""
    env = cdk.Environment(account=environment.account or None, region=environment.region)
    names = Names(
        prefix=environment.prefix,
        partition=cdk.Aws.PARTITION,
        region=cdk.Aws.REGION,
        account=cdk.Aws.ACCOUNT_ID,
    )
    edge = Edge(app, environment, names, env)
    network = Network(app, environment, names, env)
    data = Data(app, environment, names, network, env)
    storage = Storage(app, environment, names, env)
    queues = Queues(app, names, env)
    places = _places(environment, names, edge, network, data)

    ground: list[cdk.Stack] = [edge, network, data, storage, queues]
    if environment.new_identity:
        ground.append(Mail(app, environment, env))
    migration = Migration(app, environment, places, env)
    execution = Execution(app, environment, places, env)
    authorizer = routes.Authorizer(app, environment, places, env)
    single = [Single(app, environment, places, env)] if environment.api == "single" else []
    shared = next((stack.integration for stack in single), None)
    domains = [
        routes.Routes(app, environment, places, domain, found, authorizer.id, shared, env)
        for domain, found in routes.domains().items()
    ]
    background = Background(app, environment, places, env)
    socket = Socket(app, environment, places, env)
    http = Http(app, environment, places, env)
    settlement = Settlement(app, environment, migration.steps, env)
    watch = Watch(app, environment, places, env)

    _after([migration], ground)
    _after([execution, authorizer, background, socket, *single], [migration])
    _after(domains, [authorizer, *single])
    _after([background], [execution])
    _after([http], domains or [authorizer])
    _after([settlement], [http, socket, background, *domains])
    _after([watch], [http, socket, background])
    nag.check(app)


def _after(later: Sequence[cdk.Stack], earlier: Sequence[cdk.Stack]) -> None:
    for stack in later:
        for needed in earlier:
            stack.add_stack_dependency(needed)


def _places(environment: Environment, names: Names, edge: Edge, network: Network, data: Data) -> Places:
    """What AWS chose, as exports with names of ours: CDK's own would change with the name of a construct."""

    def export(stack: cdk.Stack, what: str, value: str) -> str:
        return stack.export_value(value, name=f"{environment.prefix}-{what}")

    isolated = [export(network, f"isolated-{n}", subnet.ref) for n, subnet in enumerate(network.isolated)]
    public = [export(network, f"public-{n}", subnet.ref) for n, subnet in enumerate(network.public)]
    http, socket = export(edge, "http-api", edge.http.ref), export(edge, "socket-api", edge.socket.ref)
    return Places(
        names=names,
        stage=environment.name,
        database_host=export(data, "database-host", data.host),
        database_resource=export(data, "database-resource", data.resource),
        cluster_host=export(data, "cluster-host", data.cluster.attr_endpoint_address),
        owner_secret=export(data, "owner-secret", data.cluster.attr_master_user_secret_secret_arn),
        signing_secret=export(data, "signing-secret", data.signing_seed.ref),
        signing_label=environment.signing_label,
        oidc_secret=environment.oidc_secret,
        oidc_label=environment.oidc_label,
        isolated_subnets=tuple(isolated),
        function_group=export(network, "functions-group", network.functions.attr_group_id),
        dispatcher_group=export(network, "dispatcher-group", network.dispatcher.attr_group_id),
        worker_subnets=tuple(public),
        worker_group=export(network, "workers-group", network.workers.attr_group_id),
        http_api=http,
        socket_api=socket,
        public_url=public_url(environment, http),
        socket_url=socket_url(environment, socket),
        web_url=environment.web_url,
        plans=environment.plans,
        mail_from=environment.mail_from,
        mail_identity=environment.mail_identity or environment.mail_domain,
    )
