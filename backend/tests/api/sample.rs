//! The sample account.

use crate::support::TestApp;
use backend::service::{audit, sample};
use sea_orm::{ConnectionTrait, Statement};
use shared::{
    Page,
    address_history::{AddressEventKind, AddressHistory, Holding},
    delivery_event::DeliveryEvent,
    delivery_report::DeliveryReport,
    list::{BlockedAddress, Exemption},
    mail_server::{MailServer, ServerConfiguration},
    run::{Distribution, Run},
    session::AccessToken,
};

#[actix_web::test]
async fn the_sample_account_can_be_signed_in_to_and_looks_alive() {
    let mut sign_ins = None;
    let app = TestApp::start_after(async |state| {
        sign_ins = Some(sample::fill(state).await.expect("sample data"));
        assert!(sample::fill(state).await.is_err(), "a database in use is left alone");
    })
    .await;
    let verified = audit::verify(&app.running.state.db, &[]).await.expect("a check").logs;
    assert!(verified.len() == 2 && verified.iter().all(|log| log.problem.is_none()), "{verified:?}");
    let (email, password) = sign_ins.expect("a sign-in").administrator;
    let body = serde_json::json!({ "email": email, "password": password });
    let answer = app.anonymous().post("/api/v1/sessions", &body).await.expect(201);
    let client = app.client(Some(answer.json::<AccessToken>().access_token));
    let configurations: Vec<ServerConfiguration> = client.items("/api/v1/server-configurations").await;
    assert_eq!(configurations.len(), 2);
    let mut events = 0;
    for configuration in configurations {
        let path = |rest: &str| format!("/api/v1/server-configurations/{}{rest}", configuration.id);
        let log: Page<DeliveryEvent> = client.get(&path("/delivery-events?limit=1")).await.expect(200).json();
        events += log.total.expect("a total").count;
        let errors: Page<DeliveryEvent> =
            client.get(&path("/delivery-events?outcome=error&limit=1")).await.expect(200).json();
        assert!(errors.total.expect("a total").count > 500);
        let blocked: Page<BlockedAddress> = client.get(&path("/blocked-addresses?limit=1")).await.expect(200).json();
        assert!(blocked.total.expect("a total").count > 100);
        assert!(configuration.list_count > 100 && configuration.list_version > 20, "{configuration:?}");
        let exemptions: Page<Exemption> = client.get(&path("/exemptions")).await.expect(200).json();
        assert!(exemptions.items.len() > 10);
        let runs: Page<Run> = client.get(&path("/runs?limit=500")).await.expect(200).json();
        assert_eq!(runs.items.len(), 90);
        assert!(runs.items.iter().all(|run| run.error.is_none()));
        let distributions: Page<Distribution> = client.get(&path("/distributions")).await.expect(200).json();
        assert!(distributions.items.iter().any(|distribution| distribution.completed_at.is_some()));
        let report: DeliveryReport = client.get(&path("/delivery-report?days=90")).await.expect(200).json();
        let [first, .., last] = report.days.as_slice() else { panic!("{report:?}") };
        assert!(report.days[..89].iter().all(|day| day.delivered > 20 && !day.errors.is_empty()), "{report:?}");
        assert!(report.days.iter().filter(|day| day.blocked > 0).count() > 60, "{report:?}");
        assert!(report.days.iter().filter(|day| day.released > 0).count() > 10, "{report:?}");
        assert_eq!(last.list_count, configuration.list_count);
        assert!(first.list_count * 2 < last.list_count, "the list grows: {first:?}, {last:?}");
        assert!(report.domains.len() == 10 && report.domains[0].errors > 20, "{:?}", report.domains);
        let address = &blocked.items[0].address;
        let history: AddressHistory =
            client.get(&path(&format!("/address-history?address={address}"))).await.expect(200).json();
        assert!(history.mail_servers.iter().any(|server| server.holding == Holding::Held), "{history:?}");
        let happened = |kind| history.events.items.iter().any(|event| event.kind == kind);
        assert!(happened(AddressEventKind::Error) && happened(AddressEventKind::Blocked), "{history:?}");
        let mail_servers: Vec<MailServer> = client.items(&path("/mail-servers")).await;
        assert!(mail_servers.iter().all(|mail_server| mail_server.version.is_some()));
    }
    assert_eq!(events, 20_000, "each log counts up to 10,000");
    let all = Statement::from_string(app.running.state.db.backend(), "SELECT COUNT(*) AS n FROM delivery_events");
    let all = app.running.state.db.connection().query_one_raw(all).await.expect("an answer").expect("a count");
    assert_eq!(all.try_get::<i64>("", "n").expect("a number"), 50_000);
}
