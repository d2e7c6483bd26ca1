//! The script against its model, on a real server.

#[path = "redis.rs"]
mod redis;

use crate::quota::fleet::call::{FleetCall, Numbers};
use crate::quota::fleet::{FleetModel, SCRIPT, SCRIPT_SHA1};
use crate::rng::Rng;
use redis::{Answer, RedisServer};

struct Dice(Rng);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        (self.0.unit() * end as f64) as i64
    }

    fn of(&mut self, choices: &[i64]) -> i64 {
        choices[self.below(choices.len() as i64) as usize]
    }

    fn four(&mut self, choices: &[i64]) -> [i64; 4] {
        std::array::from_fn(|_| self.of(choices))
    }
}

/// A random call of a member that saw this answer last.
fn call(dice: &mut Dice, key: &str, modes: &[i64], limits: &[i64], last: &[i64]) -> FleetCall {
    let (window, birth) = match last {
        [] => (0, 0),
        last => (last[1], last[2]),
    };
    let near = |dice: &mut Dice| window + dice.of(&[-1, 0, 0, 0, 1, 2]);
    let asks = dice.of(&[0, 1, 1, 2, 5, 30, 1000]);
    let lo = dice.of(&[-40, -3, 0, 5, 90]);
    let numbers = Numbers {
        mode: dice.of(modes),
        len: 20,
        clock: (dice.below(4) == 0).then(|| (lo, lo + dice.of(&[0, 3, 50]))),
        presumed: dice.of(&[1, 10, 500]),
        weight: dice.of(&[1, 1, 3]),
        counted_in: near(dice),
        birth: birth + dice.of(&[0, 0, 0, 1]),
        own_window: near(dice),
        own: dice.four(&[0, 0, 1, 3]),
        settle_window: near(dice),
        delta: dice.four(&[0, 0, 0, -1, -5, -40, 2]),
        good: dice.of(&[0, 1, 3]),
        refused: dice.of(&[0, 0, 0, 0, 0, 0, 0, 1, 2]),
        latch: if dice.below(40) == 0 { dice.of(&[4, 30]) } else { 0 },
        back_window: near(dice),
        back: dice.four(&[0, 1, 3]),
        limits: dice.four(limits),
        asks,
        due: dice.of(&[0, 0, 1, 3]).min(asks),
        due_window: near(dice),
        held: dice.of(&[0, 1, 4]),
        cost: [dice.of(&[0, 1, 1, 1, 2]), dice.of(&[0, 0, 3, 30]), dice.of(&[0, 0, 4]), 0],
    };
    FleetCall::new(key, &numbers)
}

#[test]
fn the_script_and_its_model_decide_alike() {
    let server = RedisServer::start();
    let mut redis = server.connect();
    assert_eq!(redis.command(&["SCRIPT", "LOAD", SCRIPT]), Answer::Text(SCRIPT_SHA1.to_owned()));
    let kinds: [(&[i64], &[i64]); 6] = [
        (&[0], &[0, 200, 200, 50]),
        (&[0], &[0]),
        (&[0], &[0, 0, 0, 0, 0, 60]),
        (&[1], &[0, 1, 40, 90]),
        (&[2, 2, 2, 0], &[0, 100]),
        (&[0, 1, 2], &[0, 100, 1_000_000_000_000]),
    ];
    let mut decided = [0; 3];
    for seed in 0..36u64 {
        let mut dice = Dice(Rng::new(seed));
        let (modes, limits) = kinds[seed as usize % kinds.len()];
        let key = format!("{{of a test {seed}}}");
        let mut model = FleetModel::new();
        let mut last = Vec::new();
        for step in 0..300 {
            let call = call(&mut dice, &key, modes, limits, &last);
            let answer = redis.command(&call.command()).numbers();
            let [.., clock] = answer[..] else { panic!() };
            let expected = model.carry_out(&call, clock);
            assert_eq!(answer, expected.numbers(), "seed {seed}, step {step}: {call:?}, {model:?}");
            for (sum, number) in decided.iter_mut().zip([answer[8], answer[9], answer[13]]) {
                *sum += i64::from(number > 0);
            }
            last = answer;
            match dice.below(200) {
                // The server's clock is set back, by less and by more than a window.
                by @ (0 | 1) => {
                    let ahead = [12, 700][by as usize];
                    redis.command(&["HINCRBY", &key, "t", &ahead.to_string()]);
                    model.time += ahead;
                }
                2 => std::thread::sleep(std::time::Duration::from_millis(45)),
                // The key is lost.
                3 => {
                    redis.command(&["DEL", &key]);
                    model = FleetModel::new();
                }
                _ => {}
            }
        }
        let Answer::List(fields) = redis.command(&["HGETALL", &key]) else { panic!() };
        let kept: Vec<_> =
            fields.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        let text = |value: i64| Answer::Text(value.to_string());
        let model: Vec<_> = model.fields();
        let model: Vec<_> =
            model.into_iter().map(|(name, value)| (Answer::Text(name), text(value))).collect();
        if !kept.is_empty() {
            assert_eq!(kept, model, "seed {seed}");
            let Answer::Number(ttl) = redis.command(&["PTTL", &key]) else { panic!() };
            assert!((100_000..=120_000).contains(&ttl), "{ttl}");
        }
        let Answer::Number(bytes) = redis.command(&["MEMORY", "USAGE", &key]) else { panic!() };
        assert!(bytes < 2048, "{bytes}");
    }
    // All of it happened, often.
    assert!(decided.iter().all(|count| *count > 500), "{decided:?}");
}
