import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import org.bouncycastle.asn1.cryptopro.ECGOST3410NamedCurves;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.digests.GOST3411_2012_512Digest;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.signers.ECGOST3410_2012Signer;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * Streebog-512 and GOST R 34.10-2012 of one message by BouncyCastle on a warm virtual machine.
 *
 * <p>Reads five lines of hexadecimal digits: x, y, r, s (most significant first) and the message. Prints JSON:
 * median milliseconds of processor time of one hash and verification with a key that is kept and with a key that is new each time.
 */
public final class GostVerify {
    private static final ThreadMXBean THREAD = ManagementFactory.getThreadMXBean();
    private static final int REPEATS = 9;
    private static final int CALLS = 200;
    private static final int WARM_UP = 4000;

    public static void main(String[] arguments) throws Exception {
        List<String> lines = Files.readAllLines(Path.of(arguments[0]));
        X9ECParameters named = ECGOST3410NamedCurves.getByNameX9("Tc26-Gost-3410-12-512-paramSetA");
        ECDomainParameters curve = new ECDomainParameters(named);
        BigInteger[] numbers = new BigInteger[4];
        for (int at = 0; at < 4; at++) {
            numbers[at] = new BigInteger(lines.get(at), 16);
        }
        byte[] message = HexFormat.of().parseHex(lines.get(4));
        ECPublicKeyParameters kept = key(curve, numbers);
        if (!verify(kept, numbers, message)) {
            throw new IllegalStateException("BouncyCastle refuses the signature");
        }
        message[0] ^= 1;
        if (verify(kept, numbers, message)) {
            throw new IllegalStateException("BouncyCastle passes another message");
        }
        message[0] ^= 1;
        double cached = median(() -> verify(kept, numbers, message));
        double any = median(() -> verify(key(curve, numbers), numbers, message));
        System.out.printf("{\"cached\": %.4f, \"any\": %.4f, \"version\": \"%s, Java %s\"}%n", cached, any,
            new BouncyCastleProvider().getInfo(), System.getProperty("java.version"));
    }

    private static ECPublicKeyParameters key(ECDomainParameters curve, BigInteger[] numbers) {
        return new ECPublicKeyParameters(curve.getCurve().createPoint(numbers[0], numbers[1]), curve);
    }

    private static boolean verify(ECPublicKeyParameters key, BigInteger[] numbers, byte[] message) {
        GOST3411_2012_512Digest hash = new GOST3411_2012_512Digest();
        hash.update(message, 0, message.length);
        byte[] digest = new byte[64];
        hash.doFinal(digest, 0);
        ECGOST3410_2012Signer signer = new ECGOST3410_2012Signer();
        signer.init(false, key);
        return signer.verifySignature(digest, numbers[2], numbers[3]);
    }

    private static double median(java.util.function.BooleanSupplier call) {
        for (int turn = 0; turn < WARM_UP; turn++) {
            require(call.getAsBoolean());
        }
        double[] times = new double[REPEATS];
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            long start = THREAD.getCurrentThreadCpuTime();
            for (int turn = 0; turn < CALLS; turn++) {
                require(call.getAsBoolean());
            }
            times[repeat] = (THREAD.getCurrentThreadCpuTime() - start) / 1e6 / CALLS;
        }
        Arrays.sort(times);
        return times[REPEATS / 2];
    }

    private static void require(boolean verified) {
        if (!verified) {
            throw new IllegalStateException("a signature that verified does not");
        }
    }
}
