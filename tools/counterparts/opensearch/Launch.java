import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

/**
 * Starts a node of OpenSearch with a plugin from the class path: java Launch.java FOLDER PLUGIN. Its own main class wants
 * the folders of a distribution, and does not run as root.
 */
public class Launch extends Node {
  private Launch(Environment environment, Collection<Class<? extends Plugin>> plugins) {
    super(environment, plugins, true);
  }

  public static void main(String[] args) throws Exception {
    Path home = Path.of(args[0]);
    Environment environment =
        InternalSettingsPreparer.prepareEnvironment(
            Settings.EMPTY, Map.of("path.home", home.toString()), home.resolve("config"), () -> "node");
    new Launch(environment, List.of(Class.forName(args[1]).asSubclass(Plugin.class))).start();
    Thread.currentThread().join();
  }
}
