import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** The counts of one cell; a contact is added to it and taken out of it again. */
final class Cell {

  static final int[] THRESHOLDS_SECONDS = {5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300};
  private static final long[] BOUNDS = bounds();

  long offered, answered, abandoned, waitN, waitMs;
  /** Waits up to a threshold and above the one before it: of the answered, of the abandoned. */
  final int[] answeredWithin = new int[THRESHOLDS_SECONDS.length];
  final int[] abandonedWithin = new int[THRESHOLDS_SECONDS.length];
  /** Waits of the answered: pairs of a bucket and its count, in the order they came. */
  private short[] buckets = new short[4];
  private int[] counts = new int[4];
  private int used;

  static final Serde<Cell> SERDE = Serdes.serdeFrom(
      (topic, cell) -> cell == null ? null : cell.toBytes(),
      (topic, bytes) -> bytes == null ? null : fromBytes(bytes));

  Cell add(Fact fact) {
    return change(fact, 1);
  }

  Cell subtract(Fact fact) {
    return change(fact, -1);
  }

  private Cell change(Fact fact, int sign) {
    offered += sign;
    switch (fact.outcome()) {
      case ANSWERED -> {
        answered += sign;
        if (fact.waitMs() >= 0) {
          waitN += sign;
          waitMs += sign * fact.waitMs();
          count(answeredWithin, fact.waitMs(), sign);
          count((short) bucketOf(fact.waitMs()), sign);
        }
      }
      case ABANDONED -> {
        abandoned += sign;
        if (fact.waitMs() >= 0) count(abandonedWithin, fact.waitMs(), sign);
      }
      case OPEN -> { }
    }
    return this;
  }

  private static void count(int[] within, long waitMs, int sign) {
    for (int n = 0; n < THRESHOLDS_SECONDS.length; n++) {
      if (waitMs <= THRESHOLDS_SECONDS[n] * 1000L) {
        within[n] += sign;
        return;
      }
    }
  }

  private void count(short bucket, int sign) {
    int at = 0;
    while (at < used && buckets[at] != bucket) at++;
    if (at == used) {
      if (used == buckets.length) {
        buckets = Arrays.copyOf(buckets, 2 * used);
        counts = Arrays.copyOf(counts, 2 * used);
      }
      buckets[used++] = bucket;
    }
    counts[at] += sign;
  }

  /** The first bucket whose bound is not below the wait. */
  private static int bucketOf(long waitMs) {
    int found = Arrays.binarySearch(BOUNDS, waitMs);
    return Math.min(found >= 0 ? first(found) : -found - 1, BOUNDS.length - 1);
  }

  private static int first(int found) {
    while (found > 0 && BOUNDS[found - 1] == BOUNDS[found]) found--;
    return found;
  }

  /** Bucket 0 holds 0 ms; bucket n ends at 1.02^(n-1) ms, rounded down, up to 10^12. */
  private static long[] bounds() {
    List<Long> found = new ArrayList<>(List.of(0L));
    BigInteger above = BigInteger.ONE, below = BigInteger.ONE;
    while (found.get(found.size() - 1) < 1_000_000_000_000L) {
      found.add(above.divide(below).longValueExact());
      above = above.multiply(BigInteger.valueOf(51));
      below = below.multiply(BigInteger.valueOf(50));
    }
    return found.stream().mapToLong(Long::longValue).toArray();
  }

  /** Pairs (u16 bucket, i32 count), little-endian, as Otklik keeps its own. */
  byte[] histogram() {
    ByteBuffer out = ByteBuffer.allocate(6 * used).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    for (int n = 0; n < used; n++) out.putShort(buckets[n]).putInt(counts[n]);
    return out.array();
  }

  private byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(40 + 8 * THRESHOLDS_SECONDS.length + 6 * used);
    out.putLong(offered).putLong(answered).putLong(abandoned).putLong(waitN).putLong(waitMs);
    for (int n : answeredWithin) out.putInt(n);
    for (int n : abandonedWithin) out.putInt(n);
    for (int n = 0; n < used; n++) out.putShort(buckets[n]).putInt(counts[n]);
    return out.array();
  }

  private static Cell fromBytes(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    Cell cell = new Cell();
    cell.offered = in.getLong();
    cell.answered = in.getLong();
    cell.abandoned = in.getLong();
    cell.waitN = in.getLong();
    cell.waitMs = in.getLong();
    for (int n = 0; n < cell.answeredWithin.length; n++) cell.answeredWithin[n] = in.getInt();
    for (int n = 0; n < cell.abandonedWithin.length; n++) cell.abandonedWithin[n] = in.getInt();
    cell.used = in.remaining() / 6;
    cell.buckets = new short[Math.max(4, cell.used)];
    cell.counts = new int[Math.max(4, cell.used)];
    for (int n = 0; n < cell.used; n++) {
      cell.buckets[n] = in.getShort();
      cell.counts[n] = in.getInt();
    }
    return cell;
  }
}
