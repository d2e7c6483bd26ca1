//! The bytes of a quota that processes share: any bytes are refused, or give a model that can be used.
//!
//! The last eight bytes say what is then done with the model, and when.
#![no_main]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use resayil_core::Quota;
use resayil_core::quota::store::{QuotaModel, QuotaOperation, QuotaReply, QuotaStore};
use resayil_core::quota::{Admission, Settlement};

fuzz_target!(|input: &[u8]| {
    let Some((bytes, steps)) = input.split_last_chunk::<8>() else { return };
    let Some(model) = QuotaModel::from_bytes(bytes) else { return };
    let written = model.to_bytes();
    assert!(written.len() <= QuotaModel::MAX_BYTES);
    let again = QuotaModel::from_bytes(&written).expect("what was written can be read");
    assert_eq!(again.to_bytes(), written, "and is the same");
    use_it(model, *steps);
});

/// A model in memory, as two quotas of two processes share it.
#[derive(Clone)]
struct Shared(Arc<Mutex<QuotaModel>>);

impl QuotaStore for Shared {
    fn exchange(&mut self, operations: &[QuotaOperation], now: Duration) -> QuotaReply {
        self.0.lock().expect("nobody panicked").apply(operations, now).0
    }
}

/// Admits and settles at times that the input chooses.
fn use_it(model: QuotaModel, steps: [u8; 8]) {
    let shared = Shared(Arc::new(Mutex::new(model)));
    let (one, other) = (Quota::shared(shared.clone()), Quota::shared(shared.clone()));
    let mut now = Duration::ZERO;
    for step in steps {
        now += Duration::from_millis(1 << (step % 24));
        let quota = if step & 0x20 == 0 { &one } else { &other };
        let mut ticket = quota.enter();
        if let Admission::Wait(wait) = ticket.poll(now) {
            assert!(wait > Duration::ZERO, "a wait of nothing");
            continue;
        }
        if step & 0x40 != 0 {
            let mut settlement = Settlement::default();
            settlement.consumed = Some(step & 0x80 != 0);
            ticket.settle(&settlement, now);
        }
    }
    let model = shared.0.lock().expect("nobody panicked");
    assert!(QuotaModel::from_bytes(&model.to_bytes()).is_some(), "use leaves it sound");
}
