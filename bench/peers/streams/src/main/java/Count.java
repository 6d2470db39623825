import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.Stores;

/**
 * A peer of the consumer of facts: Kafka Streams, exactly once, with its cells in PostgreSQL.
 *
 * <p>The topic is a table of contacts: a later revision replaces the one before it. Grouped by
 * cell, the former is taken out and the latter added. It ends when PostgreSQL holds as many
 * contacts and as many milliseconds of waiting as the topic does.
 *
 * <p>From the environment: BOOTSTRAP, TOPIC, JDBC, STATE (a folder), OFFERED and WAIT_MS.
 */
public final class Count {

  private static final String ENDED = """
      SELECT coalesce(sum(offered), 0) = %s AND coalesce(sum(answered + abandoned), 0) = %s
        AND coalesce(sum(wait_ms), 0) = %s FROM peer.cell""";

  public static void main(String[] arguments) throws Exception {
    KafkaStreams streams = new KafkaStreams(topology(), properties());
    streams.setUncaughtExceptionHandler(broken -> {
      broken.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    streams.start();
    waitForTheEnd();
    if (!streams.close(Duration.ofSeconds(30))) throw new IllegalStateException("does not close");
  }

  private static Topology topology() {
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream(System.getenv("TOPIC"), Consumed.with(Serdes.String(), Fact.JSON_SERDE))
        // A table read from the topic itself would keep whole events, and write them again.
        .toTable(
            Materialized.<String, Fact>as(memory("contacts"))
                .withKeySerde(Serdes.String()).withValueSerde(Fact.SERDE).withCachingEnabled())
        .filter((key, fact) -> fact.cell() != null)
        .groupBy(
            (key, fact) -> KeyValue.pair(fact.cell(), fact),
            Grouped.with(Serdes.String(), Fact.SERDE))
        .aggregate(
            Cell::new,
            (name, fact, cell) -> cell.add(fact),
            (name, fact, cell) -> cell.subtract(fact),
            Materialized.<String, Cell>as(memory("cells"))
                .withKeySerde(Serdes.String()).withValueSerde(Cell.SERDE).withCachingEnabled())
        .toStream()
        .process(PostgresSink::new);
    return builder.build();
  }

  private static KeyValueBytesStoreSupplier memory(String name) {
    return Stores.inMemoryKeyValueStore(name);
  }

  private static Properties properties() {
    Properties found = new Properties();
    found.put(StreamsConfig.APPLICATION_ID_CONFIG, "peer-" + UUID.randomUUID());
    found.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("BOOTSTRAP"));
    found.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("STATE"));
    found.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    found.put(
        StreamsConfig.NUM_STREAM_THREADS_CONFIG, Runtime.getRuntime().availableProcessors());
    found.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
    found.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
    found.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    found.put("consumer.auto.offset.reset", "earliest");
    found.put("consumer.max.poll.records", 5_000);
    found.put("consumer.max.partition.fetch.bytes", 4 << 20);
    found.put("producer.compression.type", "lz4");
    found.put("producer.linger.ms", 20);
    found.put("producer.batch.size", 256 << 10);
    return found;
  }

  private static void waitForTheEnd() throws SQLException, InterruptedException {
    String offered = System.getenv("OFFERED");
    String ended = ENDED.formatted(offered, offered, System.getenv("WAIT_MS"));
    try (Connection connection = DriverManager.getConnection(System.getenv("JDBC"));
        Statement statement = connection.createStatement()) {
      for (boolean done = false; !done; Thread.sleep(500)) {
        try (ResultSet row = statement.executeQuery(ended)) {
          done = row.next() && row.getBoolean(1);
        }
      }
    }
  }
}
