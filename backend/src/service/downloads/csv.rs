//! The columns of downloads, and how a row is written (RFC 4180).

use crate::store::{downloads::Fields, time};
use chrono::SecondsFormat;
use shared::csv::{Language, guard};
use std::collections::HashMap;
use uuid::Uuid;

/// Excel takes a file that begins with it for UTF-8.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// The columns of the blocked list that are filled for a block that has ended and that mail servers still hold.
pub const OF_ENDED_BLOCKS: [(&str, &str); 2] = [("removal_cause", "解除の理由"), ("removed_at", "解除日時")];

/// What can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// The blocked list.
    BlockedAddresses,
    /// Blocks that have ended.
    EndedBlocks,
    /// The stop cancellation list.
    Exemptions,
    /// Exemptions that have ended.
    EndedExemptions,
    /// Delivery events that are errors.
    ErrorLog,
    /// All delivery events.
    DeliveryLog,
    /// Who changed what.
    AuditLog,
}

impl List {
    /// The name in file names and in the audit log.
    pub const fn name(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::En, Self::BlockedAddresses) => "blocked-list",
            (Language::En, Self::EndedBlocks) => "ended-blocks",
            (Language::En, Self::Exemptions) => "stop-cancellation-list",
            (Language::En, Self::EndedExemptions) => "ended-exemptions",
            (Language::En, Self::ErrorLog) => "error-log",
            (Language::En, Self::DeliveryLog) => "delivery-log",
            (Language::En, Self::AuditLog) => "audit-log",
            (Language::Ja, Self::BlockedAddresses) => "配信停止リスト",
            (Language::Ja, Self::EndedBlocks) => "解除済みの停止",
            (Language::Ja, Self::Exemptions) => "停止解除リスト",
            (Language::Ja, Self::EndedExemptions) => "終了した停止解除",
            (Language::Ja, Self::ErrorLog) => "エラーログ",
            (Language::Ja, Self::DeliveryLog) => "配信ログ",
            (Language::Ja, Self::AuditLog) => "監査ログ",
        }
    }

    /// The columns, in English and Japanese. Their names and order are part of the API.
    const fn columns(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::BlockedAddresses => &[
                ("address", "メールアドレス"),
                ("reason", "エラー理由"),
                ("origin", "登録元"),
                ("state", "状態"),
                ("blocked_at", "停止日時"),
                ("version", "バージョン"),
                OF_ENDED_BLOCKS[0],
                OF_ENDED_BLOCKS[1],
            ],
            Self::EndedBlocks => &[
                ("address", "メールアドレス"),
                ("reason", "エラー理由"),
                ("origin", "登録元"),
                ("blocked_at", "停止日時"),
                OF_ENDED_BLOCKS[0],
                OF_ENDED_BLOCKS[1],
                ("removed_by", "解除した人"),
                ("comment", "コメント"),
            ],
            Self::Exemptions => &[
                ("address", "メールアドレス"),
                ("reason", "エラー理由"),
                ("released_at", "解除日時"),
                ("comment", "コメント"),
            ],
            Self::EndedExemptions => &[
                ("address", "メールアドレス"),
                ("reason", "エラー理由"),
                ("released_at", "解除日時"),
                ("comment", "コメント"),
                ("ended_at", "終了日時"),
                ("ended_by", "終了した人"),
                ("ended_comment", "終了のコメント"),
            ],
            Self::ErrorLog | Self::DeliveryLog => &[
                ("occurred_at", "発生日時"),
                ("address", "メールアドレス"),
                ("outcome", "結果"),
                ("reason", "エラー理由"),
                ("smtp_code", "SMTP コード"),
                ("status", "拡張ステータスコード"),
                ("reply", "SMTP 応答"),
                ("mail_server", "メールサーバー"),
                ("event_id", "イベント ID"),
                ("received_at", "受信日時"),
            ],
            Self::AuditLog => &[
                ("number", "番号"),
                ("at", "日時"),
                ("actor_kind", "操作者の種類"),
                ("actor_name", "操作者"),
                ("action", "操作"),
                ("object", "対象"),
                ("before", "変更前"),
                ("after", "変更後"),
                ("comment", "コメント"),
                ("client_address", "接続元"),
                ("request_id", "リクエスト ID"),
                ("hash", "ハッシュ"),
            ],
        }
    }
}

/// Writes the rows of one download.
#[derive(Debug, Clone)]
pub struct Writer {
    list: List,
    language: Language,
    mail_servers: HashMap<Uuid, String>,
    /// The time written last, in Unix milliseconds: many rows of a list have the same.
    time: (String, String),
}

impl Writer {
    /// `mail_servers`: their names, for logs.
    pub fn new(list: List, language: Language, mail_servers: HashMap<Uuid, String>) -> Self {
        Self { list, language, mail_servers, time: Default::default() }
    }

    /// The header row.
    pub fn header(&self, byte_order_mark: bool) -> String {
        let columns = self.list.columns().iter().map(|(english, japanese)| match self.language {
            Language::En => *english,
            Language::Ja => *japanese,
        });
        let mark = if byte_order_mark { String::from(BYTE_ORDER_MARK) } else { String::new() };
        format!("{mark}{}\r\n", columns.collect::<Vec<_>>().join(","))
    }

    /// Adds a row.
    pub fn row(&mut self, fields: Fields<'_>, out: &mut String) {
        match self.list {
            List::BlockedAddresses => {
                let [address, reason, origin, blocked_at, version, cause, removed_at, ..] = fields;
                let state = match (cause, version) {
                    ("", "") => "pending",
                    ("", _) => "in_effect",
                    _ => "releasing",
                };
                text(out, address);
                self.labels(out, &[reason, origin, state]);
                self.time(out, blocked_at);
                out.push(',');
                out.push_str(version);
                self.labels(out, &[cause]);
                self.time(out, removed_at);
            }
            List::EndedBlocks => {
                let [address, reason, origin, blocked_at, cause, removed_at, by, comment, ..] = fields;
                text(out, address);
                self.labels(out, &[reason, origin]);
                self.time(out, blocked_at);
                self.labels(out, &[cause]);
                self.time(out, removed_at);
                texts(out, &[by, comment]);
            }
            List::Exemptions | List::EndedExemptions => {
                let [address, reason, released_at, comment, ended_at, by, ended_comment, ..] = fields;
                text(out, address);
                self.labels(out, &[reason]);
                self.time(out, released_at);
                texts(out, &[comment]);
                if self.list == List::EndedExemptions {
                    self.time(out, ended_at);
                    texts(out, &[by, ended_comment]);
                }
            }
            List::ErrorLog | List::DeliveryLog => {
                let [occurred_at, address, outcome, reason, code, status, reply, server, event_id, received_at, ..] =
                    fields;
                self.moment(out, occurred_at);
                out.push(',');
                text(out, address);
                self.labels(out, &[outcome, reason]);
                out.push(',');
                out.push_str(code);
                texts(out, &[status, reply]);
                out.push(',');
                let name = server.parse().ok().and_then(|id: Uuid| self.mail_servers.get(&id));
                text(out, name.map_or(server, String::as_str));
                out.push(',');
                text(out, event_id);
                self.time(out, received_at);
            }
            List::AuditLog => {
                let [number, at, kind, rest @ ..] = fields;
                out.push_str(number);
                self.time(out, at);
                self.labels(out, &[kind]);
                texts(out, &rest);
            }
        }
        out.push_str("\r\n");
    }

    fn labels(&self, out: &mut String, names: &[&str]) {
        for name in names {
            out.push(',');
            match self.language {
                Language::En => out.push_str(name),
                Language::Ja => out.push_str(japanese(name)),
            }
        }
    }

    fn time(&mut self, out: &mut String, millis: &str) {
        out.push(',');
        self.moment(out, millis);
    }

    /// RFC 3339 in UTC.
    fn moment(&mut self, out: &mut String, millis: &str) {
        if self.time.0 != millis {
            let written = millis.parse().ok().and_then(|millis| time(millis).ok());
            let written = written.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            self.time = (millis.to_owned(), written.unwrap_or_default());
        }
        out.push_str(&self.time.1);
    }
}

/// A text from outside: no formula for a spreadsheet, and quoted where it must be.
fn text(out: &mut String, value: &str) {
    let value = guard(value);
    if value.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n')) {
        out.push('"');
        out.push_str(&value.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&value);
    }
}

/// More such texts, each after a comma.
fn texts(out: &mut String, values: &[&str]) {
    for value in values {
        out.push(',');
        text(out, value);
    }
}

/// What the console shows for a name of the API.
fn japanese(name: &str) -> &str {
    match name {
        "unknown_host" => "ホスト不明",
        "unknown_user" => "ユーザー不明",
        "resend_timeout" => "再送タイムアウト",
        "reception_rejected" => "受信拒否",
        "address_format" => "アドレス形式エラー",
        "blocked_address" => "停止アドレス",
        "other" => "その他",
        "registered" => "登録",
        "condition" => "停止条件",
        "upload" => "アップロード",
        "api" => "API",
        "in_effect" => "適用中",
        "pending" => "適用待ち",
        "releasing" => "解除中",
        "release" => "解除",
        "watch_period" => "監視期間の終了",
        "condition_disabled" => "条件の無効化",
        "undone" => "登録の取り消し",
        "delivered" => "配信済み",
        "error" => "エラー",
        "user" => "ユーザー",
        "token" => "トークン",
        "mail_server" => "メールサーバー",
        "system" => "システム",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{
        Reason,
        audit::ActorKind,
        delivery_event::Outcome,
        list::{Origin, RemovalCause},
    };

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        for (value, written) in [
            ("taro@example.com", "taro@example.com"),
            ("\"ta ro\"@example.com", "\"\"\"ta ro\"\"@example.com\""),
            ("a,b", "\"a,b\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("=\"x\"", "\"'=\"\"x\"\"\""),
        ] {
            let mut out = String::new();
            text(&mut out, value);
            assert_eq!(out, written);
        }
    }

    #[test]
    fn every_name_has_a_japanese_label() {
        let names = Reason::ALL.map(Reason::as_str).into_iter();
        let names = names.chain(Origin::ALL.map(Origin::as_str)).chain(RemovalCause::ALL.map(RemovalCause::as_str));
        let names = names.chain(ActorKind::ALL.map(ActorKind::as_str));
        for name in names.chain(Outcome::ALL.map(Outcome::as_str)) {
            assert!(name == "api" || japanese(name) != name, "{name}");
        }
    }
}
