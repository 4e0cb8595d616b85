use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::wire::{HashKind, Nonce, PusherSource, Server};

const DEFAULTS: [usize; 6] = [100, 100, 100, 100, 100, 100];

/// All pushes, all waiting; then the same for each repository; then for each pusher.
fn seats(limits: [usize; 6]) -> Seats {
    let [pushes, waiting, of_repository, waiting_of_repository, of_pusher, waiting_of_pusher] =
        limits;
    Seats {
        pushers: Lines::new(of_pusher, waiting_of_pusher),
        repositories: Lines::new(of_repository, waiting_of_repository),
        everybody: Arc::new(Line::new(pushes, waiting)),
        timeout: Duration::from_millis(20),
    }
}

fn begin(repository: &str, pusher: Option<&str>, trust: Trust) -> Begin {
    Begin {
        nonce: Nonce([1; 16]),
        hash: HashKind::Sha1,
        repository: repository.as_bytes().to_vec(),
        repository_name: None,
        server: Server::Plain,
        pusher: Pusher { name: pusher.map(str::to_owned), source: PusherSource::RemoteUser, trust },
        push_options_advertised: false,
        dry_run: false,
        environment: Vec::new(),
    }
}

fn of(repository: &str, pusher: &str) -> Begin {
    begin(repository, Some(pusher), Trust::Server)
}

/// Looks at what came of it until now: none while it waits.
fn now<T>(asked: &mut std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match asked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(seat) => Some(seat),
        Poll::Pending => None,
    }
}

#[track_caller]
fn seated(seats: &Seats, begin: &Begin) -> Seat {
    now(&mut pin!(seats.take(begin))).expect("it waits").expect("it is refused")
}

fn refused(seats: &Seats, begin: &Begin) -> Option<NoSeat> {
    now(&mut pin!(seats.take(begin))).expect("it waits").err()
}

#[tokio::test]
async fn each_line_is_as_long_as_its_setting() {
    // One place and none to wait in each line in turn; what is refused, and who is not.
    let check = |limits: [usize; 6], refusal: NoSeat, same: Begin, other: Begin| {
        let seats = seats(limits);
        let _first = seated(&seats, &of("r", "ana"));
        assert_eq!(refused(&seats, &same), Some(refusal));
        drop(seated(&seats, &other));
    };
    check([100, 100, 1, 0, 100, 100], NoSeat::Repository, of("r", "bo"), of("s", "ana"));
    check([100, 100, 100, 100, 1, 0], NoSeat::Pusher, of("s", "ana"), of("r", "bo"));
    let seats = seats([1, 0, 100, 100, 100, 100]);
    let first = seated(&seats, &of("r", "ana"));
    assert_eq!(refused(&seats, &of("s", "bo")), Some(NoSeat::Everybody));
    drop(first);
    drop(seated(&seats, &of("s", "bo")));
}

#[tokio::test]
async fn a_place_that_is_given_back_goes_to_who_waits_longest() {
    let seats = seats([100, 100, 1, 2, 100, 100]);
    let first = seated(&seats, &of("r", "ana"));
    let (second, third) = (of("r", "bo"), of("r", "cy"));
    let (mut second, mut third) = (pin!(seats.take(&second)), pin!(seats.take(&third)));
    assert!(now(&mut second).is_none() && now(&mut third).is_none());
    assert_eq!(refused(&seats, &of("r", "di")), Some(NoSeat::Repository));
    drop(first);
    assert!(now(&mut third).is_none());
    let second = now(&mut second).unwrap().ok().unwrap();
    drop(second);
    assert!(now(&mut third).unwrap().is_ok());
}

#[tokio::test]
async fn nobody_waits_longer_than_the_limit() {
    let seats = seats([100, 100, 100, 100, 1, 5]);
    let _first = seated(&seats, &of("r", "ana"));
    let asked = Instant::now();
    assert_eq!(seats.take(&of("s", "ana")).await.err(), Some(NoSeat::Pusher));
    assert!(asked.elapsed() >= seats.timeout);
}

#[tokio::test]
async fn who_waits_for_a_place_of_their_own_takes_none_from_others() {
    let seats = seats([2, 100, 2, 100, 1, 100]);
    let _first = seated(&seats, &of("r", "ana"));
    let more = of("r", "ana");
    let mut more = pin!(seats.take(&more));
    assert!(now(&mut more).is_none());
    drop(seated(&seats, &of("r", "bo")));
}

#[tokio::test]
async fn all_who_wait_count_together_wherever_they_do() {
    let seats = seats([100, 1, 1, 100, 100, 100]);
    let _places = [seated(&seats, &of("r", "ana")), seated(&seats, &of("s", "ana"))];
    let waiting = of("r", "bo");
    let mut waiting = pin!(seats.take(&waiting));
    assert!(now(&mut waiting).is_none());
    assert_eq!(refused(&seats, &of("s", "cy")), Some(NoSeat::Everybody));
}

#[tokio::test]
async fn an_account_that_may_be_shared_is_not_counted() {
    let seats = seats([100, 100, 100, 100, 1, 0]);
    let _shared = [0, 1].map(|_| seated(&seats, &begin("r", Some("git"), Trust::Account)));
    let _nobody = [0, 1].map(|_| seated(&seats, &begin("r", None, Trust::None)));
}

#[tokio::test]
async fn lines_that_nobody_stands_in_are_forgotten() {
    let seats = seats(DEFAULTS);
    for number in 0..1_000 {
        drop(seated(&seats, &of(&format!("r{number}"), &format!("p{number}"))));
    }
    assert!(seats.repositories.by_name.lock().unwrap().len() <= 1);
    assert!(seats.pushers.by_name.lock().unwrap().len() <= 1);
}
