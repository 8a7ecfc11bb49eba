//! Japanese.

use super::InquiryTexts;
use shared::inquiry::{InquiryCategory, InquiryState};

pub(in crate::i18n) const TEXTS: InquiryTexts = InquiryTexts {
    inquiries: "お問い合わせ",
    inquiries_text: "サービス提供者への質問と、その回答です。",
    provider_text: "すべてのアカウントのユーザーからのお問い合わせです。",
    new: "新しいお問い合わせ",
    empty: "お問い合わせはまだありません",
    empty_text: "ダウンロードの利用、停止解除の相談など、サービス提供者に何でもお問い合わせください。",
    provider_empty_text: "アカウントのユーザーが送信すると、ここに表示されます。",
    unread: "未読",
    subject: "件名",
    category: "種類",
    changed: "最終更新",
    text: "メッセージ",
    send: "送信",
    sent: "送信しました。",
    ask_downloads: "ダウンロードの利用を依頼",
    please_enable: "ダウンロードを利用できるようにしてください。",
    unknown: "このお問い合わせはありません",
    unknown_text: "または、別のアカウントのものです。",
    messages: "メッセージ",
    provider: "サービス提供者",
    answer: "回答",
    close: "お問い合わせを完了",
    closed: "お問い合わせを完了しました。",
    closed_text: "このお問い合わせは完了しています。メッセージを送ると再開します。",
    downloads_enabled: "ダウンロードを有効化",
    downloads_now: "このアカウントでダウンロードを利用できるようになりました。",
    downloads_disabled: "このアカウントのダウンロードは無効です",
    enable: "ダウンロードを有効にする",
    enable_text: "同時に回答も送信します。下に入力した内容があればそれを、なければ有効になった旨を伝えます。",
    enabled: "ダウンロードを有効にし、回答を送信しました。",
    inside_text: "プロバイダーとしてこのアカウントに入っています。回答するには、アカウントから退出してください。",
    category_name: |category| match category {
        InquiryCategory::EnableDownload => "ダウンロードの利用",
        InquiryCategory::Release => "停止解除",
        InquiryCategory::Other => "その他",
    },
    state: |state| match state {
        InquiryState::Open => "受付中",
        InquiryState::Answered => "回答済み",
        InquiryState::Closed => "完了",
    },
};
