//! The words of the audit log.

pub(super) mod en;
pub(super) mod ja;

use shared::audit::ActorKind;

texts! {
    /// The words of the audit log. What an action or a field is called is empty where it is not known.
    AuditTexts
    words {
        audit_log audit_log_text provider_text search contains empty
        when who what object action_label client_address request yes no
    }
    sentences {}
    names {
        actor_kind(ActorKind);
        action(&str);
        field(&str);
    }
    parts {}
}

#[cfg(test)]
mod tests {
    use super::{en, ja};

    /// Every action that the service writes down.
    const ACTIONS: &str = "account.create account.update account.enter account.leave account.export account.close \
        session.begin session.end session.revoke session.revoke_others password.change password.reset password_reset.create password_reset.request \
        second_factor.begin second_factor.enable second_factor.disable second_factor.remove \
        second_factor.renew_recovery_codes second_factor.use_recovery_code invitation.create invitation.renew \
        invitation.withdraw invitation.accept user.update provider.create token.create token.revoke mail_server.create \
        mail_server.update mail_server.renew_token server_configuration.create server_configuration.update \
        run_settings.update run_settings.reset run.request run.done delivery_events.report blocked_address.add blocked_address.release \
        blocked_address.bulk_release exemption.delete upload.create upload.read_again upload.register upload.delete \
        list_operation.undo list_operation.cancel list_operation.done inquiry.create inquiry.write inquiry.answer inquiry.close download \
        signing_key.rotate";

    #[test]
    fn every_action_has_a_name_of_its_own() {
        for texts in [en::TEXTS, ja::TEXTS] {
            let mut names: Vec<_> = ACTIONS.split_whitespace().map(|action| (texts.action)(action)).collect();
            assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), ACTIONS.split_whitespace().count());
            assert_eq!((texts.action)("something.else"), "");
        }
    }
}
