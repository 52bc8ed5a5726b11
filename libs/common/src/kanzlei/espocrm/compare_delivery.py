"""Version, settings, clock and webhooks against what we need. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kanzlei.espocrm.difference import Difference, error, warning
from kanzlei.espocrm.observed import Installation, version_of
from kanzlei.espocrm.schema import Target
from kanzlei.espocrm.webhooks import Webhook, compare, is_literal_address, wanted

LEAST_LIST = 200
EVENT_PORTION = 500
BATCH = 200
MOST_SKEW_SECONDS = 5.0
SKIP_OWN_SINCE = (9, 2)
REGISTER = "python -m webhook_ingress.register"


def delivery_differences(observed: Installation, target: Target, ingress_url: str) -> Iterator[Difference]:
    yield from _version(observed, target)
    yield from _settings(observed)
    yield from _clock(observed)
    yield from _webhooks(observed, ingress_url)


def _version(observed: Installation, target: Target) -> Iterator[Difference]:
    found = version_of(observed.version)
    if found and found < target.oldest_version:
        oldest = ".".join(str(each) for each in target.oldest_version)
        yield error(
            "version",
            "EspoCRM",
            f"it is version {observed.version}, needed is {oldest} or newer",
            "signatures and rights are other than the ones that we know, so webhooks may be refused",
            "update EspoCRM",
        )
    elif found and found < SKIP_OWN_SINCE:
        yield warning(
            "version",
            "EspoCRM",
            f"version {observed.version} has no skipOwn for webhooks",
            "our own changes come back as echoes, which cost two reads each",
            "update EspoCRM to 9.2 or newer",
        )


def _settings(observed: Installation) -> Iterator[Difference]:
    limit = observed.settings.get("recordListMaxSizeLimit")
    if isinstance(limit, int) and limit < LEAST_LIST:
        yield warning(
            "list-limit",
            "config.php, recordListMaxSizeLimit",
            f"it is {limit}, EspoCRM's default is {LEAST_LIST}",
            "the ticker's lists take more calls, and may be refused",
            f"data/config.php: 'recordListMaxSizeLimit' => {LEAST_LIST},",
        )
    if observed.settings.get("phoneNumberInternational") is False:
        yield warning(
            "phone-national",
            "settings, phoneNumberInternational",
            "national phone numbers are allowed",
            "a number typed in another spelling than Advoware's can stand twice",
            "Administration > Settings: International phone numbers on",
        )
    for name, least in (("webhookQueueEventPortionSize", EVENT_PORTION), ("webhookBatchSize", BATCH)):
        held = observed.settings.get(name)
        if isinstance(held, int) and held < least:
            yield warning(
                "webhook-portion",
                f"config.php, {name}",
                f"it is {held}, we advise {least}",
                "a mass update arrives slowly: EspoCRM sends that many a minute",
                f"data/config.php: '{name}' => {least},",
            )


def _clock(observed: Installation) -> Iterator[Difference]:
    skew = observed.clock_skew
    if skew is not None and abs(skew) > MOST_SKEW_SECONDS:
        yield warning(
            "clock",
            "EspoCRM",
            f"its clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours",
            "which side changed last may be judged wrongly where no common state is known",
            "set both machines' clocks by NTP",
        )


def _webhooks(observed: Installation, ingress_url: str) -> Iterator[Difference]:
    if ingress_url and is_literal_address(ingress_url):
        yield error(
            "webhook-url",
            "webhooks",
            "the ingress's host is a literal IP address",
            "EspoCRM 10 fails on it and sends nothing any more, to nobody",
            "use a host name that DNS knows",
        )
    if observed.webhooks is None:
        return
    for one in wanted(ingress_url or "http://ingress"):
        yield from _webhook(one, [each for each in observed.webhooks if each.event == one.event], ingress_url)


def _webhook(one: Webhook, there: list[Webhook], ingress_url: str) -> Iterator[Difference]:
    if not there:
        yield error(
            "webhook-missing",
            f"webhook {one.event}",
            "there is none, or it is another user's",
            "such a change is only found by the ticker, a deletion a day later",
            REGISTER,
        )
        return
    ours = compare(ingress_url, there).present if ingress_url else there
    if not ours:
        yield error(
            "webhook-url",
            f"webhook {one.event}",
            f"it points at another address than {one.url}",
            "such a change is only found by the ticker, a deletion a day later",
            f"{REGISTER}, then delete the old one",
        )
    elif not any(each.is_active for each in ours):
        yield error(
            "webhook-off",
            f"webhook {one.event}",
            "it is switched off",
            "such a change is only found by the ticker, a deletion a day later",
            "Administration > Webhooks: Active",
        )
    elif not all(each.skip_own for each in ours):
        yield warning(
            "skip-own",
            f"webhook {one.event}",
            "skipOwn is off",
            "our own changes come back as echoes, which cost two reads each",
            "Administration > Webhooks: Skip Own",
        )
