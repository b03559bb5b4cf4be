//! The two questions that the Rust client does not offer: a topic's UUID with its partitions, and the log's end as
//! last seen in a fetch. All unsafe code of the engine stands here, each call with the reason why it is sound.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka_sys as sys;
use uuid::Uuid;

use super::settings::worded;
use crate::error::{Code, Error, Result};

/// A topic as the broker describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    /// `None`: the broker tells none (older than 2.8).
    pub(super) uuid: Option<Uuid>,
    /// Numbers of its partitions, ascending.
    pub(super) partitions: Vec<i32>,
}

/// What must be freed whichever way the question ends.
struct Question {
    topics: *mut sys::rd_kafka_TopicCollection_t,
    options: *mut sys::rd_kafka_AdminOptions_t,
    queue: *mut sys::rd_kafka_queue_t,
    event: *mut sys::rd_kafka_event_t,
}

impl Drop for Question {
    fn drop(&mut self) {
        // SAFETY: each pointer was made by the matching constructor below (or is null for the event), is owned by
        // this value alone, and is freed once, here. The event goes before the queue it came from.
        unsafe {
            if !self.event.is_null() {
                sys::rd_kafka_event_destroy(self.event);
            }
            sys::rd_kafka_queue_destroy(self.queue);
            sys::rd_kafka_AdminOptions_destroy(self.options);
            sys::rd_kafka_TopicCollection_destroy(self.topics);
        }
    }
}

/// Asks for the topic's UUID and partitions; `None` when there is no such topic. Blocks up to `patience`.
pub(super) fn describe_topic<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    patience: Duration,
) -> Result<Option<Described>> {
    let name = CString::new(topic).map_err(|_| Error::new(Code::Config, "The topic's name contains NUL."))?;
    let mut names = [name.as_ptr()];
    let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `client` keeps the native handle alive during the whole call; `names` outlives the constructor, which
    // copies it; the error buffer of set_request_timeout may be null with size 0; `Question` frees what is made.
    let question = unsafe {
        let rk = client.native_ptr();
        let mut question = Question {
            topics: sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            options: sys::rd_kafka_AdminOptions_new(
                rk,
                sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
            ),
            queue: sys::rd_kafka_queue_new(rk),
            event: std::ptr::null_mut(),
        };
        sys::rd_kafka_AdminOptions_set_request_timeout(question.options, millis, std::ptr::null_mut(), 0);
        sys::rd_kafka_DescribeTopics(rk, question.topics, question.options, question.queue);
        question.event = sys::rd_kafka_queue_poll(question.queue, millis + 500);
        question
    };
    if question.event.is_null() {
        return Err(worded(
            Some(rdkafka::error::RDKafkaErrorCode::OperationTimedOut),
            "no answer to DescribeTopics",
        ));
    }
    read_answer(&question)
}

fn read_answer(question: &Question) -> Result<Option<Described>> {
    // SAFETY: the event is not null and lives as long as `question`; everything read from it is owned by it and is
    // copied before this function returns. Counts come with their arrays.
    unsafe {
        let code = sys::rd_kafka_event_error(question.event);
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            let words = CStr::from_ptr(sys::rd_kafka_event_error_string(question.event));
            return Err(worded(Some(code.into()), &words.to_string_lossy()));
        }
        let result = sys::rd_kafka_event_DescribeTopics_result(question.event);
        if result.is_null() {
            return Err(Error::new(
                Code::Internal,
                "Kafka: DescribeTopics gave another answer than its own.",
            ));
        }
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        if count == 0 {
            return Ok(None);
        }
        let topic = *topics;
        let error = sys::rd_kafka_TopicDescription_error(topic);
        let code = sys::rd_kafka_error_code(error);
        match code {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {}
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            | sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC => return Ok(None),
            _ => {
                let words = CStr::from_ptr(sys::rd_kafka_error_string(error));
                return Err(worded(Some(code.into()), &words.to_string_lossy()));
            }
        }
        let mut count = 0;
        let infos = sys::rd_kafka_TopicDescription_partitions(topic, &mut count);
        let mut partitions: Vec<i32> =
            (0..count).map(|at| sys::rd_kafka_TopicPartitionInfo_partition(*infos.add(at))).collect();
        partitions.sort_unstable();
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        let uuid = (!id.is_null()).then(|| {
            Uuid::from_u64_pair(
                sys::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned(),
                sys::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned(),
            )
        });
        Ok(Some(Described { uuid: uuid.filter(|uuid| !uuid.is_nil()), partitions }))
    }
}

/// The partition's high watermark as the last fetch told it, without asking anybody; -1 if none did.
pub(super) fn seen_end<C: ClientContext>(client: &Client<C>, topic: &str, partition: i32) -> i64 {
    let Ok(name) = CString::new(topic) else { return -1 };
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the handle lives as long as `client`; the name and both numbers outlive the call, which only writes
    // the numbers.
    let code = unsafe {
        sys::rd_kafka_get_watermark_offsets(
            client.native_ptr(),
            name.as_ptr(),
            partition,
            &mut low,
            &mut high,
        )
    };
    if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR { high } else { -1 }
}
