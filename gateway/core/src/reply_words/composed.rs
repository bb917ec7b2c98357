//! Forms of 了解 and of courtesy that are put together of closed parts, so that not every combination must stand
//! in a list. Every part must be known: one word more and the text is a reply that a person reads.

use crate::text::any_of::AnyOf;
use std::sync::LazyLock;

/// What is confirmed, before a verb of confirming.
const OBJECTS: &[&str] = &[
    "内容につきまして",
    "内容について",
    "本件",
    "内容を",
    "内容",
    "メールを",
    "メール",
    "ご連絡を",
    "ご連絡",
    "連絡を",
    "fax",
    "faxを",
    "添付を",
    "添付",
    "資料を",
    "全て",
    "すべて",
    "確かに",
    "たしかに",
    "すでに",
    "既に",
    "諸々",
    "もろもろ",
    "全部",
    "全件",
    "ご案内",
    "お知らせ",
    "変更",
    "変更点",
    "日程",
    "書類",
    "ファイル",
    "添付ファイル",
    "メールの内容",
    "ご連絡内容",
    "連絡内容",
    "ご報告",
];
/// Stems that with any of [`DONE`] say that a person has taken note.
const STEMS: &[&str] = &["拝承", "了承", "了解", "承知", "確認", "拝受", "拝見", "拝読", "受領", "受信"];
/// Endings of something done.
const DONE: &[&str] = &[
    "しました",
    "いたしました",
    "致しました",
    "させていただきました",
    "させて頂きました",
    "しておりました",
    "できました",
    "済です",
    "済みです",
    "済み",
    "済",
    "しましたよ",
    "した",
    "したよ",
];
/// Whole words of the same meaning without a stem.
const WORDS: &[&str] = &[
    "okっす",
    "了解っす",
    "了解す",
    "了解ですよ",
    "りょかい",
    "リョカイ",
    "リョカイです",
    "わかった",
    "分かった",
    "わかったよ",
    "分かったよ",
    "おk",
    "おkです",
    "おけ",
    "オケ",
    "おけです",
    "オケです",
    "受け取らせていただきました",
    "わかりましたよ",
];

/// `内容確認させていただきました`, `メール拝見しました`. A stem alone is not enough: 「確認です」 asks.
pub(super) fn acknowledges(piece: &str) -> bool {
    let piece = piece.strip_prefix("はい").unwrap_or(piece);
    let done = |bare: &str| OF_STEM.at_start(bare).any(|stem| DONE.contains(&&bare[stem.len()..]));
    let behind = |object: &'static str| {
        let rest = &piece[object.len()..];
        ["を", "は", "も"].iter().find_map(|joint| rest.strip_prefix(joint)).unwrap_or(rest)
    };
    WORDS.contains(&piece) || done(piece) || OF_OBJECT.at_start(piece).map(behind).any(done)
}

static OF_STEM: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(STEMS));
static OF_OBJECT: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(OBJECTS));

/// Words that make a courtesy longer without saying more.
const BEFORE: &[&str] = &[
    "当日も",
    "当日",
    "何卒",
    "どうぞ",
    "どうか",
    "今後とも",
    "今後も",
    "引き続き",
    "引続き",
    "以上",
    "当日は",
    "その際は",
    "それでは",
    "では",
    "改めて",
    "重ねて",
    "誠に",
    "大変",
    "本当に",
    "どうも",
    "いつも",
    "いつもいつも",
    "平素より",
    "平素は",
    "日頃より",
    "日ごろより",
    "日頃から",
    "早速の",
    "早々の",
    "早々に",
    "ご丁寧に",
    "ご丁寧な",
    "お忙しい中",
    "お忙しいところ",
    "ご多忙のところ",
    "ご多忙中",
    "取り急ぎ",
    "まずは",
    "皆様",
    "皆さま",
];
/// The like before thanks and excuses only: before a wish they would say when.
const BEFORE_THANKS: &[&str] = &[
    "先日は",
    "先日も",
    "昨日は",
    "先ほどは",
    "先程は",
    "夜分に",
    "夜分遅くに",
    "夜遅くに",
    "夜遅くまで",
    "遅い時間に",
    "遅くまで",
    "早朝に",
    "早朝から",
    "朝早くから",
    "朝早くに",
    "休日に",
    "休日にもかかわらず",
    "お休みのところ",
    "お休みの日に",
    "お休み中に",
    "お休み中のところ",
    "急なお願いに",
    "毎回",
    "毎度",
    "色々と",
    "いろいろと",
    "いろいろ",
    "詳しい",
    "詳細な",
    "詳細",
    "丁寧な",
    "ご丁寧な",
    "ご丁寧に",
    "迅速な",
    "迅速に",
    "細やかな",
    "わかりやすい",
];
/// What one thanks for; never the matter itself.
const THANKED: &[&str] = &[
    "連絡",
    "報告",
    "案内",
    "返信",
    "返事",
    "返答",
    "回答",
    "対応",
    "手配",
    "調整",
    "共有",
    "情報共有",
    "情報提供",
    "配慮",
    "教示",
    "説明",
    "送付",
    "知らせ",
    "電話",
    "協力",
    "尽力",
    "足労",
    "心配り",
    "気遣い",
    "提供",
    "確認",
    "指示",
    "指摘",
    "助言",
    "アドバイス",
    "フォロー",
    "サポート",
    "段取り",
    "返送",
    "送信",
    "速報",
    "メール",
    "配慮",
    "心遣い",
];
/// How thanks end.
const THANKS: &[&str] = &[
    "ありがとうございます",
    "ありがとうございました",
    "有難うございます",
    "有難うございました",
    "有り難うございます",
    "感謝いたします",
    "感謝申し上げます",
    "ありがとう",
    "おそれいります",
    "恐れ入ります",
    "感謝です",
    "すみません",
    "申し訳ありません",
    "申し訳ございません",
];
/// How a request for favour ends.
const FAVOUR: &[&str] = &[
    "よろしくお願いします",
    "よろしくお願いいたします",
    "よろしくお願い致します",
    "よろしくお願い申し上げます",
    "宜しくお願いします",
    "宜しくお願いいたします",
    "宜しくお願い致します",
    "宜しくお願い申し上げます",
    "よろしくおねがいします",
    "よろしくです",
    "お願いいたします",
    "お願い申し上げます",
];
/// Greetings with which a mail begins, and what a sender says of his own hurry.
const GREETINGS: &[&str] = &[
    "お世話になりありがとうございます",
    "お世話になりましてありがとうございます",
    "お世話になっております",
    "お世話になります",
    "お世話になっています",
    "お世話になりました",
    "お世話になってます",
    "お世話さまになっております",
    "お疲れ様です",
    "お疲れさまです",
    "お疲れ様でございます",
    "ご苦労様です",
    "恐れ入りますが",
    "おそれいりますが",
    "恐縮ですが",
    "恐れ入ります",
    "失礼いたします",
    "失礼します",
    "失礼致します",
    "お返事まで",
    "ご返信まで",
    "ご連絡まで",
    "お礼まで",
    "承知のご連絡まで",
    "ご確認まで",
    "お大事になさってください",
    "お大事にしてください",
    "お大事にどうぞ",
    "お大事に",
    "お手数おかけしました",
    "お手数をおかけしました",
    "お手数おかけしますが",
    "お手数をおかけしますが",
    "ご面倒おかけしますが",
    "ご面倒をおかけしますが",
    "ご迷惑をおかけしました",
    "ご心配をおかけしました",
    "ご自愛ください",
    "ご自愛くださいませ",
    "お身体ご自愛ください",
    "お体ご自愛ください",
    "お先に失礼します",
    "お先に失礼いたします",
    "おやすみなさい",
    "お休みなさい",
    "助かりました",
    "大変助かります",
    "助かります",
    "感謝",
    "感謝です",
];
/// Subjects that name nothing.
const MATTERS: &[&str] = &[
    "ご連絡いただいた件",
    "ご連絡いただきました件",
    "ご連絡頂いた件",
    "お知らせいただいた件",
    "内容につきまして",
    "内容について",
    "本件",
    "本件について",
    "変更の件",
    "日程の件",
    "時間の件",
    "時間変更の件",
    "日程変更の件",
    "ご連絡の件",
    "標記の件",
    "表題の件",
    "件名の件",
    "上記の件",
    "下記の件",
    "上記",
    "下記",
    "上記内容",
    "この件",
    "その件",
];

/// `ご返信が遅くなり申し訳ありません`; 「遅くなります」 is news.
fn excuses_delay(piece: &str) -> bool {
    let piece = ["ご", "お", "御"].iter().find_map(|w| piece.strip_prefix(w)).unwrap_or(piece);
    let piece = ["返信", "返事", "連絡", "回答", "返答", "確認"]
        .iter()
        .find_map(|w| piece.strip_prefix(w))
        .map_or(piece, |rest| rest.strip_prefix('が').unwrap_or(rest));
    let piece = piece.strip_prefix("大変").unwrap_or(piece);
    let Some(rest) = ["遅くなりまして", "遅くなって", "遅くなりました", "遅くなり", "遅れまして", "遅れて"]
        .iter()
        .find_map(|w| piece.strip_prefix(w))
    else {
        return false;
    };
    let rest = ["大変", "誠に", "本当に"].iter().find_map(|w| rest.strip_prefix(w)).unwrap_or(rest);
    let rest = rest.strip_suffix("でした").unwrap_or(rest);
    matches!(
        rest,
        "" | "すみません"
            | "すいません"
            | "ごめんなさい"
            | "申し訳ありません"
            | "申し訳ございません"
            | "申し訳ないです"
            | "失礼しました"
            | "失礼いたしました"
            | "恐れ入ります"
    )
}

/// `何卒よろしくお願い申し上げます`, `ご丁寧にご連絡いただき`, `変更の件`.
pub(super) fn is_courtesy(piece: &str) -> bool {
    if excuses_delay(piece) {
        return true;
    }
    let mut rest = piece;
    // Two such words may stand in a row: 「いつも大変」.
    for _ in 0..3 {
        match OPENS.off_start(rest) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    let shortened = rest.len() < piece.len();
    if OF_MATTER.is_one(piece) || WHOLE.is_one(rest) {
        // 「お願いいたします」 alone asks for something that stands before it.
        return shortened || !rest.starts_with("お願い");
    }
    if let Some(thanks) = OPENS_THANKS.off_start(rest) {
        rest = thanks;
        if THANKS.contains(&rest) {
            return true;
        }
    }
    let thanked = rest.strip_prefix(['ご', 'お', '御']).unwrap_or(rest);
    let Some(after) = FOR_WHAT.off_start(thanked) else {
        return false;
    };
    let after = [
        "をいただきまして",
        "をいただき",
        "いただきまして",
        "いただき",
        "を頂きまして",
        "を頂き",
        "頂きまして",
        "頂き",
        "くださいまして",
        "くださり",
        "下さり",
        "の程",
        "のほど",
        "を",
    ]
    .iter()
    .filter_map(|w| after.strip_prefix(w))
    .min_by_key(|r| r.len())
    .unwrap_or(after);
    let after =
        ["誠に", "大変", "本当に", "どうも"].iter().find_map(|w| after.strip_prefix(w)).unwrap_or(after);
    let after = after.strip_suffix("でした").unwrap_or(after);
    // 「ご連絡いただき」 goes on after a comma.
    THANKS.contains(&after) || (after.is_empty() && rest.ends_with(['き', 'り', 'て']))
}

static OPENS: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(BEFORE));
static OPENS_THANKS: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(BEFORE_THANKS));
static OF_MATTER: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(MATTERS));
static FOR_WHAT: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(THANKED));
/// What is a whole courtesy.
static WHOLE: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(&[GREETINGS, FAVOUR, THANKS].concat()));
