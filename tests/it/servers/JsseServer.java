import java.io.FileInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * TLS servers of the Java platform on loopback, until stdin ends.
 *
 * <p>Arguments: a PKCS#12 key store, its password, and for each server the one version that it
 * speaks, perhaps "/SUITE" for its only cipher suite, and "+client" to demand a client certificate.
 * Each says "listening VERSION ADDRESS".
 */
public class JsseServer {
    public static void main(String[] arguments) throws Exception {
        char[] password = arguments[1].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream file = new FileInputStream(arguments[0])) {
            store.load(file, password);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);

        for (int i = 2; i < arguments.length; i++) {
            String[] words = arguments[i].split("\\+");
            String[] versionAndSuite = words[0].split("/");
            SSLServerSocket listener =
                    (SSLServerSocket)
                            context.getServerSocketFactory()
                                    .createServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
            listener.setEnabledProtocols(new String[] {versionAndSuite[0]});
            if (versionAndSuite.length > 1) {
                listener.setEnabledCipherSuites(new String[] {versionAndSuite[1]});
            }
            listener.setNeedClientAuth(words.length > 1);
            System.out.println("listening " + words[0] + " 127.0.0.1:" + listener.getLocalPort());
            start(() -> serve(listener));
        }
        while (System.in.read() != -1) {}
        System.exit(0);
    }

    private static void serve(SSLServerSocket listener) {
        try {
            while (true) {
                SSLSocket connection = (SSLSocket) listener.accept();
                start(() -> answer(connection));
            }
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    private static void answer(SSLSocket connection) {
        try (connection) {
            connection.startHandshake();
        } catch (IOException reset) {
            // A scanner leaves before the handshake is done.
        }
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
    }
}
