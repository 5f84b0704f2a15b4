import java.time.Duration;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.*;

/** The topology of examples/useractivity in Kafka Streams: prints what it is called there, for jvm-topology.txt. */
public final class Twin {
    static StreamsBuilder topology() {
        StreamsBuilder b = new StreamsBuilder();
        KStream<String, String> events = b.stream("user-events");
        KTable<String, String> profiles = b.table("user-profiles", Materialized.as("profiles"));
        events.groupBy((k, v) -> v, Grouped.with(Serdes.String(), Serdes.String()))
            .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(1), Duration.ofHours(2)))
            .count(Materialized.as("per-minute"))
            .toStream((w, v) -> w.key()).to("user-activity-per-minute", Produced.with(Serdes.String(), Serdes.Long()));
        events.groupByKey()
            .windowedBy(SessionWindows.ofInactivityGapAndGrace(Duration.ofSeconds(30), Duration.ofSeconds(20)))
            .aggregate(() -> "", (k, v, a) -> a, (k, x, y) -> x, Materialized.<String, String, SessionStore<Bytes, byte[]>>as("sessions").withRetention(Duration.ofHours(2)))
            .toStream((w, v) -> w.key()).to("user-sessions");
        events.leftJoin(profiles, (e, p) -> e).to("user-events-enriched");
        return b;
    }

    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, "APP");
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "localhost:1");
        p.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        p.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        Topology t = topology().build(p);
        System.out.print(t.describe());
        var f = Topology.class.getDeclaredField("internalTopologyBuilder");
        f.setAccessible(true);
        var itb = (org.apache.kafka.streams.processor.internals.InternalTopologyBuilder) f.get(t);
        itb.rewriteTopology(new StreamsConfig(p)); itb.buildTopology();
        var names = new TreeSet<String>();
        for (var info : itb.subtopologyToTopicsInfo().values()) {
            for (var r : info.repartitionSourceTopics.values()) names.add(r.name() + " " + new TreeMap<>(r.properties(java.util.Map.of(), 86400000L)));
            for (var c : info.stateChangelogTopics.values()) names.add(c.name() + " " + new TreeMap<>(c.properties(java.util.Map.of(), 86400000L)));
        }
        System.out.println("Internal topics:");
        for (String n : names) System.out.println("   " + n);
    }
}
