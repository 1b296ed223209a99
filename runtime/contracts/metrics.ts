/**
 * Metric names that one part writes and another reads (dashboard, benchmarks, autoscaling). A part may have more of its
 * own; these are a contract. Durations are histograms in seconds, as Prometheus asks.
 */
export const metricNames = {
  gateway: {
    connections: 'iot_gateway_connections',
    /** Label `qos`: 0, 1, 2. */
    received: 'iot_gateway_messages_received_total',
    acknowledged: 'iot_gateway_messages_acknowledged_total',
    /** Label `reason`, a bounded set. */
    refused: 'iot_gateway_refused_total',
    /** From parsed PUBLISH to PUBACK handed to the socket. */
    ackSeconds: 'iot_gateway_ack_seconds',
    heldMessages: 'iot_gateway_held_messages',
    heldBytes: 'iot_gateway_held_bytes',
    /** Label `result`: full, resumed, failed, refused. */
    handshakes: 'iot_gateway_handshakes_total',
    spilled: 'iot_gateway_spilled_messages_total',
    spillBacklog: 'iot_gateway_spill_backlog_messages',
    /** Label `kind`: config and commands written to a connection, commands confirmed by their device. */
    deliveries: 'iot_gateway_deliveries_total',
    /** Above 0 somebody has to look: acknowledged messages that the bus refused for good. */
    spillRefused: 'iot_gateway_spill_refused_messages',
  },
  processor: {
    received: 'iot_processor_messages_received_total',
    stored: 'iot_processor_readings_stored_total',
    duplicates: 'iot_processor_readings_duplicate_total',
    /** Label `reason`: a dead letter reason. */
    deadLetters: 'iot_processor_dead_letters_total',
    /** From the gateway's receive time to the commit that makes the reading queryable. */
    queryableSeconds: 'iot_processor_queryable_seconds',
    batchRows: 'iot_processor_batch_rows',
    /** 1 while pulling is paused because a store is away. */
    paused: 'iot_processor_paused',
    openAlerts: 'iot_processor_open_alerts',
    /** Dead letters that nobody has replayed or discarded, and the age of the oldest; every processor says the same. */
    openLetters: 'iot_processor_open_dead_letters',
    oldestLetter: 'iot_processor_oldest_dead_letter_seconds',
    /** Label `result`: stored or failed. */
    replays: 'iot_processor_dead_letter_replays_total',
  },
  certificates: {
    /** End of the gateway's server certificate, seconds since 1970; 0 while there is none. */
    serverEnds: 'iot_server_certificate_not_after_seconds',
  },
  pubsub: {
    /** Label `subscription`. */
    backlog: 'iot_pubsub_backlog_messages',
    oldestSeconds: 'iot_pubsub_oldest_unacked_seconds',
    published: 'iot_pubsub_published_total',
    acknowledged: 'iot_pubsub_acknowledged_total',
  },
} as const;
