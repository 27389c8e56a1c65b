//! The exact binomial tail, term by term.

/// P(X >= k) for n draws of p.
pub(super) fn tail(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 || p >= 1.0 {
        return 1.0;
    }
    if k > n || p <= 0.0 {
        return 0.0;
    }
    // From the smallest terms: those of many, where p is small.
    let mut term = (1.0 - p).powi(n as i32);
    let mut below = 0.0;
    let mut above = 0.0;
    for at in 0..=n {
        if at < k {
            below += term;
        } else {
            above += term;
        }
        term *= (n - at) as f64 / (at + 1) as f64 * p / (1.0 - p);
    }
    above / (above + below)
}

#[cfg(test)]
mod tests {
    #[test]
    fn three_in_a_row_beyond_a_p95_are_no_chance_and_two_are() {
        assert!(super::tail(3, 3, 0.05) < 0.001);
        assert!(super::tail(2, 2, 0.05) > 0.001);
        assert!(super::tail(5, 60, 0.05) > 0.001);
    }
}
