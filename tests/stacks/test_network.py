from __future__ import annotations

from slipway import discover

from tests.stacks.conftest import Assembly, flat


def test_there_is_no_nat_and_isolated_subnets_have_no_way_out(assembly: Assembly) -> None:
    assert assembly.of("AWS::EC2::NatGateway") == {}
    routes = list(assembly.of("AWS::EC2::Route").values())
    assert [flat(route["RouteTableId"]) for route in routes] == ["${PublicRoutes}"]
    tables = {
        flat(p["SubnetId"]): flat(p["RouteTableId"])
        for p in assembly.of("AWS::EC2::SubnetRouteTableAssociation").values()
    }
    assert tables == {
        "${Isolated0}": "${IsolatedRoutes}",
        "${Isolated1}": "${IsolatedRoutes}",
        "${Public0}": "${PublicRoutes}",
        "${Public1}": "${PublicRoutes}",
    }


def test_subnets_do_not_overlap(assembly: Assembly) -> None:
    blocks = [p["CidrBlock"] for p in assembly.of("AWS::EC2::Subnet").values()]
    assert len(set(blocks)) == len(blocks) == 4


def test_only_the_dispatcher_reaches_the_workers_and_only_on_their_port(assembly: Assembly) -> None:
    inward = [p for p in assembly.of("AWS::EC2::SecurityGroupIngress").values() if "WorkersGroup" in flat(p["GroupId"])]
    ports = {task.spec.port for task in discover.tasks()}
    assert {(rule["FromPort"], rule["ToPort"]) for rule in inward} == {(port, port) for port in ports}
    assert {flat(rule["SourceSecurityGroupId"]) for rule in inward} == {"${DispatcherGroup.GroupId}"}


def test_workers_reach_https_and_nothing_else(assembly: Assembly) -> None:
    outward = [p for p in assembly.of("AWS::EC2::SecurityGroupEgress").values() if "WorkersGroup" in flat(p["GroupId"])]
    assert [(rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) for rule in outward] == [(443, 443, "tcp")]


def test_no_group_keeps_the_open_door_that_cloudformation_adds(assembly: Assembly) -> None:
    """A group without an egress rule of its own is given one to everywhere."""
    groups = assembly.of("AWS::EC2::SecurityGroup")
    assert len(groups) == 6
    for properties in groups.values():
        assert [rule["CidrIp"] for rule in properties["SecurityGroupEgress"]] == ["255.255.255.255/32"]


def test_endpoints_let_through_this_environments_resources_only(assembly: Assembly) -> None:
    for properties in assembly.of("AWS::EC2::VPCEndpoint").values():
        for statement in properties["PolicyDocument"]["Statement"]:
            assert all(f"slipway-{assembly.name}-" in flat(resource) for resource in statement["Resource"])
