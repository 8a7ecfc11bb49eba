//! The lines for Postfix's own configuration.

use crate::{bounce, config::Config};
use std::path::Path;

/// The lines for main.cf and master.cf that fit this configuration, which is in the file `path`; `program` is the agent.
pub fn lines(config: &Config, program: &Path, path: &Path) -> String {
    let Config { policy_listen, socketmap_listen, map_file, syslog_name, .. } = config;
    let map = map_file.with_extension("");
    let map = map.display();
    let Bounces { domain, transport, service } = bounces(config, program, path);
    format!(
        "\
# ---- /etc/postfix/main.cf ----
# Queue ids that never come twice: the agent joins the lines of the mail log by them.
enable_long_queue_ids = yes
syslog_name = {syslog_name}

# Every recipient is asked at the agent; while the agent is down or hangs, the file answers. Debian reads cdb files with
# its package postfix-cdb.
smtpd_restriction_classes = bl_file
bl_file = check_recipient_access cdb:{map}
# Put check_policy_service before your own restrictions; the two behind it are an example.
smtpd_recipient_restrictions =
    check_policy_service {{ inet:{policy_listen}, timeout=2s, try_limit=1, default_action=bl_file }},
    permit_mynetworks, reject_unauth_destination

# The second net: sendmail(1) and mail that is in the queue already. If you have transport_maps, put them before.
transport_maps = {transport}socketmap:inet:{socketmap_listen}:stoplist

# The file would refuse user+tag with user; the list holds full addresses.
recipient_delimiter =
{domain}
# ---- /etc/postfix/master.cf ----
# smtpd finds routes without the second net: it would keep a refusal for a while after a release.
# If you have transport_maps, name them behind the = of the second line.
rewrite-smtpd unix - - n - - trivial-rewrite
    -o transport_maps=
# Your submission service with these options. Refusals are normal there: Postfix must not slow the session down after
# 10 of them and end it after 20.
smtp inet n - n - - smtpd
    -o rewrite_service_name=rewrite-smtpd
    -o smtpd_soft_error_limit=2000
    -o smtpd_hard_error_limit=2000
    -o smtpd_error_sleep_time=0
{service}"
    )
}

/// The lines that bring bounce messages to the agent; empty without a domain for them.
#[derive(Default)]
struct Bounces {
    domain: String,
    transport: String,
    service: String,
}

fn bounces(config: &Config, program: &Path, path: &Path) -> Bounces {
    let Some(domain) = &config.bounce_domain else { return Bounces::default() };
    let (program, path) = (program.display(), path.display());
    let addresses = match &config.bounce_mailbox {
        Some(mailbox) => format!(
            "Bounce messages go to the agent. Send with envelope senders such as
# {mailbox}+user=example.com@{domain} (VERP) or {mailbox}@{domain}:
# what comes to other mailboxes of the domain is dropped. Name this server in the domain's MX record."
        ),
        None => bounce::NO_MAILBOX.to_owned(),
    };
    Bounces {
        domain: format!(
            "
# {addresses}
# If you have relay_domains, add it to them.
relay_domains = {domain}
stoplist-bounce_destination_recipient_limit = 1
"
        ),
        // A pattern is found at the first question, before the agent is asked, which may be down.
        transport: format!(
            "regexp:{{ {{ /@{}$$/ stoplist-bounce: }} }},
    ",
            domain.replace('.', "\\.")
        ),
        service: format!(
            "# The user must be the agent's own, and neither root nor Postfix's. While it cannot store a bounce message, the
# message stays in the queue.
stoplist-bounce unix - n n - 4 pipe
    flags=q user=stoplist-agent argv={program} --config {path} bounce --recipient=${{recipient}}
"
        ),
    }
}
