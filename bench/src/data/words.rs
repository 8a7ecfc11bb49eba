//! What local parts and domains are made of.

/// Domains with their share of a Japanese sender's list, in thousandths, and whether a carrier runs them; what is
/// missing to a thousand is the long tail.
pub const DOMAINS: [(&str, u32, bool); 20] = [
    ("gmail.com", 270, false),
    ("yahoo.co.jp", 115, false),
    ("docomo.ne.jp", 105, true),
    ("icloud.com", 65, false),
    ("ezweb.ne.jp", 50, true),
    ("softbank.ne.jp", 45, true),
    ("au.com", 35, true),
    ("i.softbank.jp", 28, true),
    ("outlook.jp", 18, false),
    ("hotmail.co.jp", 15, false),
    ("outlook.com", 14, false),
    ("hotmail.com", 12, false),
    ("nifty.com", 10, false),
    ("ymobile.ne.jp", 10, true),
    ("ocn.ne.jp", 10, false),
    ("me.com", 8, false),
    ("biglobe.ne.jp", 7, false),
    ("uqmobile.jp", 6, true),
    ("so-net.ne.jp", 4, false),
    ("vodafone.ne.jp", 3, true),
];

/// Endings of the long tail's domains.
pub const ENDINGS: [&str; 12] =
    ["co.jp", "co.jp", "co.jp", "jp", "jp", "com", "com", "com", "ne.jp", "or.jp", "ac.jp", "net"];

/// Names of the long tail's domains that need IDNA.
pub const JAPANESE: [&str; 8] =
    ["さくら花店", "山田商店", "日本語", "東京書房", "みどり薬局", "北海道物産", "京都茶園", "ひまわり"];

/// Surnames.
pub const SURNAMES: [&str; 64] = [
    "sato",
    "suzuki",
    "takahashi",
    "tanaka",
    "watanabe",
    "ito",
    "yamamoto",
    "nakamura",
    "kobayashi",
    "kato",
    "yoshida",
    "yamada",
    "sasaki",
    "matsumoto",
    "inoue",
    "kimura",
    "hayashi",
    "shimizu",
    "mori",
    "abe",
    "ikeda",
    "hashimoto",
    "ogawa",
    "ishikawa",
    "maeda",
    "fujita",
    "okada",
    "goto",
    "hasegawa",
    "murakami",
    "kondo",
    "ishii",
    "saito",
    "sakamoto",
    "endo",
    "aoki",
    "fujii",
    "nishimura",
    "fukuda",
    "ota",
    "miura",
    "fujiwara",
    "okamoto",
    "matsuda",
    "nakajima",
    "harada",
    "ono",
    "takeuchi",
    "tamura",
    "kaneko",
    "wada",
    "nakayama",
    "ishida",
    "ueda",
    "morita",
    "smith",
    "johnson",
    "nguyen",
    "kim",
    "lee",
    "chen",
    "garcia",
    "mueller",
    "rossi",
];

/// Given names.
pub const GIVEN: [&str; 64] = [
    "haruto", "yuto", "sota", "yuki", "hayato", "riku", "ken", "taro", "kenji", "daiki", "takumi", "sho", "hina",
    "yui", "sakura", "aoi", "mei", "rin", "hanako", "misaki", "nana", "yuka", "mai", "emi", "akira", "satoshi",
    "hiroshi", "makoto", "naoki", "kazuki", "tsubasa", "ryo", "shota", "kaito", "ren", "minato", "asahi", "itsuki",
    "yamato", "hiroki", "tomoko", "keiko", "yoko", "kumiko", "mayumi", "akemi", "noriko", "ayumi", "megumi", "kaori",
    "chihiro", "natsuki", "haruka", "ayaka", "miyu", "rio", "john", "anna", "david", "maria", "peter", "lisa",
    "thomas", "jun",
];

/// What people call themselves.
pub const WORDS: [&str; 48] = [
    "love", "cat", "sora", "hoshi", "smile", "momo", "neko", "umi", "hana", "lucky", "koko", "sweet", "blue", "moon",
    "star", "happy", "pink", "tiger", "rabbit", "music", "guitar", "soccer", "baseball", "surf", "snow", "fuji",
    "sakura", "usagi", "inu", "kuma", "penguin", "angel", "dream", "wind", "kaze", "yume", "mint", "choco", "berry",
    "coffee", "rock", "jazz", "green", "silver", "black", "white", "dragon", "phoenix",
];
