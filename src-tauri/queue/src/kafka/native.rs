//! The questions that the Rust client does not offer: a topic's UUID with its partitions and our rights, our rights
//! on a group, and the log's end as last seen in a fetch. All unsafe code of the engine stands here, each call with
//! the reason why it is sound.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka_sys as sys;
use uuid::Uuid;

use super::settings::worded;
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// A topic as the broker describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    /// `None`: the broker tells none (older than 2.8).
    pub(super) uuid: Option<Uuid>,
    /// Numbers of its partitions, ascending.
    pub(super) partitions: Vec<i32>,
    /// Host and port of each partition's leader, in the same order; `None`: it has none now.
    pub(super) leaders: Vec<Option<(String, u16)>>,
    /// What we may do with it; `None`: the broker does not say.
    pub(super) rights: Option<Rights>,
}

/// What the login may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rights {
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) describe_configs: bool,
}

/// What must be freed whichever way the question ends.
struct Question {
    /// Null where the question is not about topics.
    topics: *mut sys::rd_kafka_TopicCollection_t,
    options: *mut sys::rd_kafka_AdminOptions_t,
    queue: *mut sys::rd_kafka_queue_t,
    event: *mut sys::rd_kafka_event_t,
}

impl Drop for Question {
    fn drop(&mut self) {
        // SAFETY: each pointer was made by the matching constructor below (or is null: the event, the topics), is
        // owned by this value alone, and is freed once, here. The event goes before the queue it came from.
        unsafe {
            if !self.event.is_null() {
                sys::rd_kafka_event_destroy(self.event);
            }
            sys::rd_kafka_queue_destroy(self.queue);
            sys::rd_kafka_AdminOptions_destroy(self.options);
            if !self.topics.is_null() {
                sys::rd_kafka_TopicCollection_destroy(self.topics);
            }
        }
    }
}

impl Question {
    /// Prepares a question, about our rights too when these are wanted.
    ///
    /// # Safety
    /// `rk` must live as long as the value.
    unsafe fn new(
        rk: *mut sys::rd_kafka_t,
        operation: sys::rd_kafka_admin_op_t,
        topics: *mut sys::rd_kafka_TopicCollection_t,
        millis: i32,
        rights: bool,
    ) -> Question {
        // SAFETY: the caller keeps `rk` alive; the error buffer of set_request_timeout may be null with size 0; the
        // error of set_include_authorized_operations is ours to free, and may be null.
        unsafe {
            let question = Question {
                topics,
                options: sys::rd_kafka_AdminOptions_new(rk, operation),
                queue: sys::rd_kafka_queue_new(rk),
                event: std::ptr::null_mut(),
            };
            let options = question.options;
            sys::rd_kafka_AdminOptions_set_request_timeout(options, millis, std::ptr::null_mut(), 0);
            let asked = i32::from(rights);
            let error = sys::rd_kafka_AdminOptions_set_include_authorized_operations(options, asked);
            if !error.is_null() {
                sys::rd_kafka_error_destroy(error);
            }
            question
        }
    }

    /// Waits for the answer, and hands on the error that it is as a whole.
    fn wait(&mut self, what: &str, millis: i32) -> Result<()> {
        // SAFETY: queue and event are ours; the error's words are owned by the event and copied.
        unsafe {
            self.event = sys::rd_kafka_queue_poll(self.queue, millis + 500);
            if self.event.is_null() {
                let words = words!("no_answer_to", "no answer to {what}", what);
                return Err(worded(Some(rdkafka::error::RDKafkaErrorCode::OperationTimedOut), words));
            }
            let code = sys::rd_kafka_event_error(self.event);
            if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                let words = CStr::from_ptr(sys::rd_kafka_event_error_string(self.event));
                return Err(worded(Some(code.into()), Words::plain(words.to_string_lossy())));
            }
        }
        Ok(())
    }
}

/// Asks for the topic's UUID and partitions, and for our rights where they are wanted; `None` when there is no such
/// topic. Blocks up to `patience`.
pub(super) fn describe_topic<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    patience: Duration,
    rights: bool,
) -> Result<Option<Described>> {
    let name = CString::new(topic)
        .map_err(|_| Error::new(Code::Config, words!("topic_name_nul", "The topic's name contains NUL.")))?;
    let mut names = [name.as_ptr()];
    let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `client` keeps the native handle alive during the whole call; `names` outlives the constructor, which
    // copies it; `Question` frees what is made.
    let mut question = unsafe {
        let rk = client.native_ptr();
        let topics = sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let question = Question::new(rk, operation, topics, millis, rights);
        sys::rd_kafka_DescribeTopics(rk, question.topics, question.options, question.queue);
        question
    };
    question.wait("DescribeTopics", millis)?;
    read_topic(&question)
}

fn read_topic(question: &Question) -> Result<Option<Described>> {
    // SAFETY: the event is not null and lives as long as `question`; everything read from it is owned by it and is
    // copied before this function returns. Counts come with their arrays.
    unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(question.event);
        if result.is_null() {
            return Err(other_answer("DescribeTopics"));
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
                return Err(worded(Some(code.into()), Words::plain(words.to_string_lossy())));
            }
        }
        let mut count = 0;
        let infos = sys::rd_kafka_TopicDescription_partitions(topic, &mut count);
        let mut partitions: Vec<_> = (0..count)
            .map(|at| {
                let info = *infos.add(at);
                (sys::rd_kafka_TopicPartitionInfo_partition(info), leader(info))
            })
            .collect();
        partitions.sort_unstable();
        let (partitions, leaders) = partitions.into_iter().unzip();
        let mut count = 0;
        let operations = sys::rd_kafka_TopicDescription_authorized_operations(topic, &mut count);
        let rights = rights(operations, count);
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        let uuid = (!id.is_null()).then(|| {
            Uuid::from_u64_pair(
                sys::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned(),
                sys::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned(),
            )
        });
        Ok(Some(Described { uuid: uuid.filter(|uuid| !uuid.is_nil()), partitions, leaders, rights }))
    }
}

fn other_answer(question: &str) -> Error {
    Error::new(
        Code::Internal,
        words!("kafka_other_answer", "Kafka: {question} gave another answer than its own.", question),
    )
}

/// Host and port of the broker that leads a partition.
///
/// # Safety
/// `info` must be part of a living answer.
unsafe fn leader(info: *const sys::rd_kafka_TopicPartitionInfo_t) -> Option<(String, u16)> {
    // SAFETY: as the caller promises; the leader is null where there is none, its host is text of the answer.
    unsafe {
        let node = sys::rd_kafka_TopicPartitionInfo_leader(info);
        if node.is_null() || sys::rd_kafka_Node_id(node) < 0 {
            return None;
        }
        let host = sys::rd_kafka_Node_host(node);
        if host.is_null() {
            return None;
        }
        Some((CStr::from_ptr(host).to_string_lossy().into_owned(), sys::rd_kafka_Node_port(node)))
    }
}

/// # Safety
/// `operations` must be null or point to `count` of them.
unsafe fn rights(operations: *const sys::rd_kafka_AclOperation_t, count: usize) -> Option<Rights> {
    use sys::rd_kafka_AclOperation_t as A;
    if operations.is_null() {
        return None;
    }
    // SAFETY: as the caller promises. Read as the numbers they are: a newer library may know more operations than
    // the enum, and without any the pointer may lead nowhere useful.
    let given: &[u32] = match count {
        0 => &[],
        _ => unsafe { std::slice::from_raw_parts(operations.cast(), count) },
    };
    let may =
        |one: A| given.contains(&(one as u32)) || given.contains(&(A::RD_KAFKA_ACL_OPERATION_ALL as u32));
    Some(Rights {
        read: may(A::RD_KAFKA_ACL_OPERATION_READ),
        write: may(A::RD_KAFKA_ACL_OPERATION_WRITE),
        describe_configs: may(A::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS),
    })
}

/// What we may do with a consumer group, whether it exists or not; `None`: the broker does not say. A cluster without
/// any group yet finds a coordinator only when it is asked, which takes a moment.
pub(super) fn describe_group<C: ClientContext>(
    client: &Client<C>,
    group: &str,
    patience: Duration,
) -> Result<Option<Rights>> {
    use sys::rd_kafka_resp_err_t as E;
    const PAUSE: Duration = Duration::from_millis(250);
    let name = CString::new(group)
        .map_err(|_| Error::new(Code::Config, words!("group_name_nul", "The group's name contains NUL.")))?;
    let mut left = patience;
    loop {
        let (code, words) = match ask_group(client, &name, patience)? {
            Ok(rights) => return Ok(rights),
            Err(refusal) => refusal,
        };
        match code {
            E::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED => {
                return Ok(Some(Rights { read: false, write: false, describe_configs: false }));
            }
            E::RD_KAFKA_RESP_ERR_NOT_COORDINATOR
            | E::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE
            | E::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS
                if left > PAUSE =>
            {
                left -= PAUSE;
                std::thread::sleep(PAUSE);
            }
            _ => {
                let known = rdkafka::error::RDKafkaErrorCode::from(code);
                return Err(worded(Some(known), words!("with_code", "{words} ({known})", words, known)));
            }
        }
    }
}

/// The group's own refusal: the client's code and its words.
type Refusal = (sys::rd_kafka_resp_err_t, Words);

fn ask_group<C: ClientContext>(
    client: &Client<C>,
    name: &CStr,
    patience: Duration,
) -> Result<Result<Option<Rights>, Refusal>> {
    let mut names = [name.as_ptr()];
    let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: as in `describe_topic`; the answer is checked for null, read while `question` lives, and copied.
    unsafe {
        let rk = client.native_ptr();
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
        let mut question = Question::new(rk, operation, std::ptr::null_mut(), millis, true);
        let (options, queue) = (question.options, question.queue);
        sys::rd_kafka_DescribeConsumerGroups(rk, names.as_mut_ptr(), names.len(), options, queue);
        question.wait("DescribeConsumerGroups", millis)?;
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(question.event);
        let mut count = 0;
        let groups = match result.is_null() {
            true => return Err(other_answer("DescribeConsumerGroups")),
            false => sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &mut count),
        };
        if count == 0 {
            return Err(other_answer("DescribeConsumerGroups"));
        }
        let group = *groups;
        let error = sys::rd_kafka_ConsumerGroupDescription_error(group);
        let code = sys::rd_kafka_error_code(error);
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            let words = CStr::from_ptr(sys::rd_kafka_error_string(error));
            return Ok(Err((
                code,
                words!(
                    "group_rights_unasked",
                    "cannot ask for our rights on the group: {words}",
                    words = words.to_string_lossy()
                ),
            )));
        }
        let mut count = 0;
        let operations = sys::rd_kafka_ConsumerGroupDescription_authorized_operations(group, &mut count);
        Ok(Ok(rights(operations, count)))
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
