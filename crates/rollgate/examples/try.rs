fn main() {
    let path = std::env::args().nth(1).unwrap();
    let compiled = match rollgate::read::plan_file(std::path::Path::new(&path)) { Ok(c) => c, Err(e) => { println!("{e}"); return; } };
    println!("{} phases hash {}", compiled.ruleset.plan.as_ref().map_or(0, |p| p.phases.len()), compiled.ruleset.hash);
    if let Some(trace) = std::env::args().nth(2) {
        let trace = std::fs::read_to_string(trace).unwrap();
        let t = std::time::Instant::now();
        for line in rollgate::replay::journal_of(std::sync::Arc::new(compiled.ruleset), &trace).unwrap() { println!("{}", &line[..line.len().min(400)]); }
        eprintln!("{:?}", t.elapsed());
    }
}
