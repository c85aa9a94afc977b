use std::future::Future;
use std::net::IpAddr;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::{LookupError, Resolver};
use crate::domain::{Pointer, ServerName};

/// A resolver that works on one runtime, whoever asks: its sockets stay there.
#[derive(Clone, Debug)]
pub struct Resident<R> {
    resolver: Arc<R>,
    home: Handle,
}

impl<R: Resolver> Resident<R> {
    /// One that works on `home`.
    pub fn new(resolver: R, home: Handle) -> Self {
        Self {
            resolver: Arc::new(resolver),
            home,
        }
    }

    /// Cancel safe: the work is given up with the future. A panic at home is
    /// one here; `None` when the home is closing down.
    async fn at_home<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        match AbortOnDropHandle::new(self.home.spawn(work)).await {
            Ok(done) => Some(done),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_cancelled) => None,
            },
        }
    }
}

impl<R: Resolver> Resolver for Resident<R> {
    async fn addresses(&self, name: &ServerName) -> Result<Vec<IpAddr>, LookupError> {
        let (resolver, name) = (Arc::clone(&self.resolver), name.clone());
        let answer = self.at_home(async move { resolver.addresses(&name).await });
        let closing = || Err(LookupError::Resolver("closing down".to_owned()));
        answer.await.unwrap_or_else(closing)
    }

    async fn pointer(&self, address: IpAddr) -> Pointer {
        let resolver = Arc::clone(&self.resolver);
        let answer = self.at_home(async move { resolver.pointer(address).await });
        answer.await.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::{self, ThreadId};

    use futures_util::FutureExt;
    use tokio::runtime::Builder;

    use super::*;
    use crate::domain::Unresolved;

    /// Answers on the thread that it was made on alone.
    struct Homebody(ThreadId);

    impl Resolver for Homebody {
        async fn addresses(&self, _: &ServerName) -> Result<Vec<IpAddr>, LookupError> {
            assert_eq!(thread::current().id(), self.0);
            Err(LookupError::Unresolved(Unresolved::NoData))
        }

        async fn pointer(&self, _: IpAddr) -> Pointer {
            assert_eq!(thread::current().id(), self.0);
            Pointer::Name("home".to_owned())
        }
    }

    #[tokio::test]
    async fn it_works_at_home_whoever_asks() {
        let resolver = Homebody(thread::current().id());
        let resident = Resident::new(resolver, Handle::current());
        let elsewhere = tokio::task::spawn_blocking(move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let name = "www.example".parse().unwrap();
                let addresses = resident.addresses(&name).await;
                (addresses, resident.pointer([10, 0, 0, 1].into()).await)
            })
        });
        let (addresses, pointer) = elsewhere.await.unwrap();
        assert_eq!(addresses, Err(LookupError::Unresolved(Unresolved::NoData)));
        assert_eq!(pointer.name(), Some("home"));
    }

    /// Never answers, and notes whether it was given up.
    struct Silent(Arc<AtomicBool>);

    struct GivenUp(Arc<AtomicBool>);

    impl Drop for GivenUp {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    impl Resolver for Silent {
        async fn addresses(&self, _: &ServerName) -> Result<Vec<IpAddr>, LookupError> {
            let _given_up = GivenUp(Arc::clone(&self.0));
            std::future::pending().await
        }

        async fn pointer(&self, _: IpAddr) -> Pointer {
            panic!("a bug");
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_given_up() {
        let given_up = Arc::new(AtomicBool::new(false));
        let resident = Resident::new(Silent(Arc::clone(&given_up)), Handle::current());
        let name = "www.example".parse().unwrap();
        let mut asked = Box::pin(resident.addresses(&name));
        assert!((&mut asked).now_or_never().is_none());
        tokio::task::yield_now().await;
        drop(asked);
        tokio::task::yield_now().await;
        assert!(given_up.load(Ordering::Relaxed));
    }

    #[tokio::test]
    #[should_panic(expected = "a bug")]
    async fn a_panic_at_home_is_one_where_it_was_asked() {
        let resident = Resident::new(Silent(Arc::default()), Handle::current());
        resident.pointer([10, 0, 0, 1].into()).await;
    }
}
