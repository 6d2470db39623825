import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Writes whole cells, each once for all changes of the last moment.
 *
 * <p>PostgreSQL is outside Kafka's transaction: after a crash cells are written again, with the
 * same counts.
 */
final class PostgresSink implements Processor<String, Cell, Void, Void> {

  private static final Duration PAUSE = Duration.ofMillis(500);
  private static final int MOST = 5_000;
  private static final String UPSERT = """
      INSERT INTO peer.cell VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (cell) DO UPDATE SET offered = excluded.offered, answered = excluded.answered,
        abandoned = excluded.abandoned, wait_n = excluded.wait_n, wait_ms = excluded.wait_ms,
        answered_within = excluded.answered_within,
        abandoned_within = excluded.abandoned_within, hist = excluded.hist""";

  private final Map<String, Cell> waiting = new HashMap<>();
  private Connection connection;
  private PreparedStatement upsert;

  @Override
  public void init(ProcessorContext<Void, Void> context) {
    try {
      connection = DriverManager.getConnection(System.getenv("JDBC"));
      connection.setAutoCommit(false);
      upsert = connection.prepareStatement(UPSERT);
    } catch (SQLException broken) {
      throw new IllegalStateException(broken);
    }
    context.schedule(PAUSE, PunctuationType.WALL_CLOCK_TIME, now -> write());
  }

  @Override
  public void process(Record<String, Cell> record) {
    waiting.put(record.key(), record.value());
    if (waiting.size() >= MOST) write();
  }

  private void write() {
    if (waiting.isEmpty()) return;
    try {
      // Sorted: two writers that lock the same rows in different orders would wait for ever.
      String[] names = waiting.keySet().toArray(String[]::new);
      Arrays.sort(names);
      for (String name : names) add(name, waiting.get(name));
      upsert.executeBatch();
      connection.commit();
    } catch (SQLException broken) {
      throw new IllegalStateException(broken);
    }
    waiting.clear();
  }

  private void add(String name, Cell cell) throws SQLException {
    upsert.setString(1, name);
    upsert.setLong(2, cell.offered);
    upsert.setLong(3, cell.answered);
    upsert.setLong(4, cell.abandoned);
    upsert.setLong(5, cell.waitN);
    upsert.setLong(6, cell.waitMs);
    upsert.setObject(7, cell.answeredWithin);
    upsert.setObject(8, cell.abandonedWithin);
    upsert.setBytes(9, cell.histogram());
    upsert.addBatch();
  }

  @Override
  public void close() {
    try {
      write();
      connection.close();
    } catch (SQLException broken) {
      throw new IllegalStateException(broken);
    }
  }
}
