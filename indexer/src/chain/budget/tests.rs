use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn budget(limit: u32) -> Arc<Budget> {
    Arc::new(Budget::new(NonZeroU32::new(limit)))
}

/// One request: when it is wanted, for how long the node is under way with it, and its priority.
#[derive(Debug, Clone)]
struct Wish {
    after: Duration,
    /// From leave to arrival at the node, and from there to the answer.
    way: Duration,
    answer: Duration,
    priority: Priority,
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let millis = |most: u64| (0..most).prop_map(Duration::from_millis);
    let wish = (millis(40_000), millis(9_000), millis(9_000), any::<bool>()).prop_map(
        |(after, way, answer, urgent)| Wish {
            after,
            way,
            answer,
            priority: if urgent { Priority::Urgent } else { Priority::Routine },
        },
    );
    proptest::collection::vec(wish, 1..60)
}

/// When each request arrived at the node.
async fn arrivals(limit: u32, wishes: Vec<Wish>) -> Vec<Instant> {
    let budget = budget(limit);
    let tasks: Vec<_> = wishes
        .into_iter()
        .map(|wish| {
            let budget = Arc::clone(&budget);
            tokio::spawn(async move {
                tokio::time::sleep(wish.after).await;
                let _slot = budget.slot(wish.priority).await;
                tokio::time::sleep(wish.way).await;
                let arrived = Instant::now();
                tokio::time::sleep(wish.answer).await;
                arrived
            })
        })
        .collect();
    let mut arrivals = Vec::new();
    for task in tasks {
        arrivals.push(task.await.unwrap());
    }
    arrivals.sort();
    arrivals
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Fails if any minute of the node's clock holds one request too many, whatever the network
    /// does between leave and arrival, or if a request never gets its turn.
    #[test]
    fn no_minute_of_the_node_holds_more_than_the_limit(limit in 1u32..20, wishes in wishes()) {
        let count = wishes.len();
        let arrivals = run(async {
            tokio::time::timeout(MINUTE * 600, arrivals(limit, wishes)).await
        });
        let arrivals = arrivals.expect("every request gets its turn");
        prop_assert_eq!(arrivals.len(), count);
        let limit = usize::try_from(limit).unwrap();
        for (first, one_too_many) in arrivals.iter().zip(arrivals.iter().skip(limit)) {
            prop_assert!(*one_too_many - *first > MINUTE, "{:?}", *one_too_many - *first);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_budget_may_be_spent_at_once_and_comes_back_after_a_minute() {
    let budget = budget(15);
    let began = Instant::now();
    for _ in 0..15 {
        budget.slot(Priority::Urgent).await;
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(!budget.has_room(Priority::Urgent));
    assert_eq!(budget.used(), 15);
    budget.slot(Priority::Urgent).await;
    assert!((60_000..60_100).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn routine_leaves_a_third_to_what_is_urgent() {
    let budget = budget(15);
    for _ in 0..10 {
        budget.slot(Priority::Routine).await;
    }
    assert!(!budget.has_room(Priority::Routine) && budget.has_room(Priority::Urgent));
    // The reserve is there at once, even while something routine waits.
    let patient = Arc::clone(&budget);
    let routine = tokio::spawn(async move {
        patient.slot(Priority::Routine).await;
        Instant::now()
    });
    tokio::task::yield_now().await;
    let began = Instant::now();
    for _ in 0..5 {
        budget.slot(Priority::Urgent).await;
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(routine.await.unwrap() - began >= MINUTE);
}

#[tokio::test(start_paused = true)]
async fn what_waits_urgently_goes_before_what_waited_longer() {
    let budget = budget(1);
    budget.slot(Priority::Urgent).await;
    let wait = |priority| {
        let budget = Arc::clone(&budget);
        tokio::spawn(async move {
            budget.slot(priority).await;
            Instant::now()
        })
    };
    let routine = wait(Priority::Routine);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let urgent = wait(Priority::Urgent);
    assert!(urgent.await.unwrap() < routine.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn one_that_gave_up_waiting_has_spent_nothing() {
    let budget = budget(1);
    budget.slot(Priority::Urgent).await;
    for priority in [Priority::Urgent, Priority::Routine] {
        let waited = tokio::time::timeout(Duration::from_secs(5), budget.slot(priority)).await;
        assert!(waited.is_err());
    }
    assert_eq!(budget.used(), 1);
    tokio::time::sleep(MINUTE).await;
    assert!(budget.has_room(Priority::Routine), "nothing urgent waits any more");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_nobody_waits() {
    let budget = Budget::new(None);
    let began = Instant::now();
    for _ in 0..100_000 {
        budget.slot(Priority::Routine).await;
    }
    assert_eq!((began.elapsed(), budget.used()), (Duration::ZERO, 0));
}
