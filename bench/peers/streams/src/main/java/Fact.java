import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * What is counted of a contact.
 *
 * @param cell "tenant|channel|branch|quarter": the quarter of an hour it was offered in, counted
 *     from 1970; null for a contact that was never offered.
 * @param waitMs -1 where nothing is known.
 */
record Fact(String cell, Outcome outcome, long waitMs) {

  enum Outcome { OPEN, ANSWERED, ABANDONED }

  private static final JsonFactory JSON = new JsonFactory();
  private static final long QUARTER_SECONDS = 900;
  private static final String NOWHERE = "";

  static final Serde<Fact> JSON_SERDE = Serdes.serdeFrom(
      (topic, fact) -> { throw new UnsupportedOperationException("facts are only read"); },
      (topic, bytes) -> bytes == null ? null : read(bytes));

  static final Serde<Fact> SERDE = Serdes.serdeFrom(
      (topic, fact) -> fact == null ? null : fact.toBytes(),
      (topic, bytes) -> bytes == null ? null : fromBytes(bytes));

  private static Fact read(byte[] bytes) {
    String tenant = null, channel = NOWHERE, branch = NOWHERE, offeredAt = null;
    boolean answered = false, abandoned = false;
    long waitMs = -1;
    try (JsonParser in = JSON.createParser(bytes)) {
      in.nextToken();
      for (String name = in.nextFieldName(); name != null || in.currentToken() != null;
          name = in.nextFieldName()) {
        if (name == null) continue;  // the end of an object
        JsonToken value = in.nextToken();
        boolean known = value != JsonToken.VALUE_NULL;
        switch (name) {
          case "tenant" -> tenant = in.getText();
          case "channel" -> channel = known ? in.getText() : NOWHERE;
          case "branch" -> branch = known ? in.getText() : NOWHERE;
          case "offered_at" -> offeredAt = known ? in.getText() : null;
          case "answered_at" -> answered = known;
          case "outcome" -> abandoned = known && in.getText().equals("abandoned");
          case "waited_ms" -> waitMs = known ? in.getLongValue() : -1;
          case "data" -> { }  // its fields come next
          default -> in.skipChildren();
        }
      }
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
    if (offeredAt == null) return new Fact(null, Outcome.OPEN, -1);
    long quarter = Math.floorDiv(Instant.parse(offeredAt).getEpochSecond(), QUARTER_SECONDS);
    Outcome outcome =
        answered ? Outcome.ANSWERED : abandoned ? Outcome.ABANDONED : Outcome.OPEN;
    return new Fact(tenant + '|' + channel + '|' + branch + '|' + quarter, outcome, waitMs);
  }

  private byte[] toBytes() {
    byte[] name = cell == null ? new byte[0] : cell.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(9 + name.length)
        .put((byte) outcome.ordinal()).putLong(waitMs).put(name).array();
  }

  private static Fact fromBytes(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    Outcome outcome = Outcome.values()[in.get()];
    long waitMs = in.getLong();
    String cell = new String(bytes, 9, bytes.length - 9, StandardCharsets.UTF_8);
    return new Fact(cell.isEmpty() ? null : cell, outcome, waitMs);
  }
}
