use super::*;

#[test]
fn frequent_matches_are_walked_and_rare_ones_looked_up() {
    assert_eq!(Strategy::choose(20_000, 51), Strategy::InOrder);
    assert_eq!(Strategy::choose(11, 51), Strategy::InOrder);
    assert_eq!(Strategy::choose(10, 51), Strategy::ByIndex);
    assert_eq!(Strategy::choose(0, 2), Strategy::ByIndex);
}

#[test]
fn parts_are_merged_up_to_where_each_has_looked() {
    let place = |n| Place::Event(n, 0);
    let found = |rows: &[i64], stopped: Option<i64>, count, more| Found {
        rows: rows.iter().map(|n| (place(*n), *n)).collect(),
        stopped: stopped.map(place),
        total: Total { count, more },
    };
    let numbers = |found: &Found<i64>| found.rows.iter().map(|row| row.1).collect::<Vec<_>>();
    let whole = found(&[9, 5], None, 2, false).merge(found(&[7, 1], None, 9_999, false), Direction::Descending);
    assert_eq!(numbers(&whole), [9, 7, 5, 1]);
    assert_eq!((whole.stopped, whole.total), (None, Total { count: 10_000, more: true }));
    let part = found(&[1, 3], Some(4), 2, true).merge(found(&[2, 6], None, 2, false), Direction::Ascending);
    assert_eq!(numbers(&part), [1, 2, 3]);
    assert_eq!((part.stopped, part.total), (Some(place(4)), Total { count: 4, more: true }));
}
