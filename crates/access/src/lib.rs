//! Principal, action and resource to an explained decision.
