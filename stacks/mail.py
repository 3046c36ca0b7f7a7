"""The identity that letters are sent under. SES sends for it once its three DNS records, the outputs here, are set."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ses as ses
from constructs import Construct

from stacks.environment import Environment


class Mail(cdk.Stack):
    """Only where `mail_from` names a domain. A new account is in SES' sandbox: the operator asks AWS to lift it."""

    def __init__(self, scope: Construct, environment: Environment, env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-mail", env=env)
        identity = ses.CfnEmailIdentity(
            self,
            "Identity",
            email_identity=environment.new_identity,
            dkim_signing_attributes=ses.CfnEmailIdentity.DkimSigningAttributesProperty(
                next_signing_key_length="RSA_2048_BIT"
            ),
        )
        if environment.keep:
            identity.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        records = (
            (identity.attr_dkim_dns_token_name1, identity.attr_dkim_dns_token_value1),
            (identity.attr_dkim_dns_token_name2, identity.attr_dkim_dns_token_value2),
            (identity.attr_dkim_dns_token_name3, identity.attr_dkim_dns_token_value3),
        )
        for number, (name, value) in enumerate(records, 1):
            cdk.CfnOutput(
                self, f"Dkim{number}", value=f"{name} CNAME {value}", description="a DNS record of mail_from's domain"
            )
