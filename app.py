"""Slipway on AWS: `scripts/synth prod`, or `cdk deploy --all -c env=prod` with the CDK command line."""

from __future__ import annotations

import argparse
import sys

import aws_cdk as cdk

from stacks import application, code, environment


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("-o", "--output", default=None, help="folder of the templates")
    arguments = parser.parse_args()
    chosen = dict(pair.split("=", 1) for pair in arguments.context)
    try:
        with code.alone():  # build/ is shared with any other synthesis of this checkout
            synth(chosen, arguments.output)
    except environment.BadEnvironment as error:
        sys.exit(str(error))


def synth(chosen: dict[str, str], output: str | None) -> None:
    app = cdk.App(outdir=output, context=environment.context() | chosen, analytics_reporting=False)
    name = app.node.try_get_context("env") or "dev"
    application.build(app, environment.read(name, app.node.try_get_context("environments")))
    app.synth()


if __name__ == "__main__":
    main()
