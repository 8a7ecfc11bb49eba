//! Numbers for reading.

/// Thousands with commas, as English and Japanese write them.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes with its unit: 1.5 MB. Units are those of the metric system, as file managers use them.
pub fn bytes(number: i64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut amount, mut unit) = (number as f64, 0);
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1_000.0;
        unit += 1;
    }
    // Whole numbers are written: writing fractions takes tables that would make the console larger.
    if unit > 0 && amount < 9.95 {
        let tenths = (amount * 10.0).round() as i64;
        return format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]);
    }
    format!("{} {}", amount.round() as i64, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::{bytes, grouped};

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn bytes_have_two_or_three_digits() {
        for (number, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (9_940, "9.9 kB"),
            (9_960, "10 kB"),
            (999_600, "1.0 MB"),
            (1_073_741_824, "1.1 GB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }
}
