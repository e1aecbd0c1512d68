using System.Diagnostics;
using System.Globalization;
using SecurityKeys.Cards;
using SecurityKeys.Fido;
using SecurityKeys.GlobalPlatform;
using SecurityKeys.Management;
using SecurityKeys.OathApplet;
using SecurityKeys.OtpSlots;
using SecurityKeys.Piv;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Cards;

public sealed class HostileCardTests
{
    private const int ExchangesMax = 3000; // more in one act would be a card that holds us for ever

    private static readonly Action<ISmartCardConnection>[] Acts =
    [
        c => SecurityKeyReport.Read(c),
        c => CuidReading.Read(c),
        c => Cplc.TryRead(c),
        c => PivApplication.TrySelect(c)?.VerifyPin("123456"u8),
        c => PivApplication.TrySelect(c)?.ChangePuk("12345678"u8, "87654321"u8),
        c => PivApplication.TrySelect(c)?.AuthenticateManagementKey(
            PivApplication.FactoryManagementKey, ManagementKeyAlgorithm.TripleDes),
        c => PivApplication.TrySelect(c)?.ReadProtectedManagementKey(),
        c => PivApplication.TrySelect(c)?.GetAttestationCertificate(),
        c => PivApplication.TrySelect(c)?.Attest(0x9A),
        c => PivApplication.TrySelect(c)?.GenerateP256(0x9A),
        c => OathApplication.TrySelect(c)?.List(),
        c => OathApplication.TrySelect(c)?.CalculateHotp("bank:alice"),
        c => OathApplication.TrySelect(c)?.Validate("0123456789abcdef"u8),
        c => OathApplication.TrySelect(c)?.Reset(),
        c => OtpSlotsApplication.TrySelect(c)?.PutHotp(1, "12345678901234567890"u8, 6, 16),
        c => OtpSlotsApplication.TrySelect(c)?.ReadSerial(),
        c => ManagementApplication.TrySelect(c)?.ReadDeviceInfo(),
        c => FidoApplication.TrySelect(c)?.SetPin("271828"u8),
        c => FidoApplication.TrySelect(c)?.SetMinPinLength(6, forceChange: true, "271828"u8, protocol: 1),
    ];

    /// <summary>KEYS_FUZZ_CASES makes it longer, KEYS_FUZZ_SEED repeats a run.</summary>
    [Fact]
    public void Whatever_a_broken_card_answers_the_driver_ends_with_its_own_exception_or_a_result()
    {
        var most = Number("KEYS_FUZZ_CASES", 200_000);
        var seed = Number("KEYS_FUZZ_SEED", Random.Shared.Next());
        var random = new Random(seed);
        var key = new VirtualKey();
        key.Fuzzable();
        var watch = Stopwatch.StartNew();
        for (var cases = 1; cases <= most; cases++)
        {
            var act = random.Next(Acts.Length);
            var mode = random.Next(6);
            var left = ExchangesMax;
            var card = new RecordingConnection(sent =>
            {
                Assert.True(left-- > 0, $"endless: act {act}, seed {seed}");
                return Mangle(random, mode, key.Process(sent));
            });
            try
            {
                Acts[act](card);
            }
            catch (SmartCardException)
            {
                // the driver's own: that is the promise
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"act {act}, case {cases}, seed {seed}: {e}");
            }
            if (cases % 500 == 0) key = key.Clone();
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {most} cases in {watch.Elapsed.TotalSeconds:0} s");
    }

    [Fact]
    public void An_endless_61xx_ends_after_256_rounds()
    {
        var card = new RecordingConnection(_ => [0x61, 0x00]);

        Assert.Throws<BadCardAnswerException>(() => PivApplication.TrySelect(card));
        Assert.Equal(1 + AppletChannel.GetResponsesMax, card.Sent.Count);
    }

    [Fact]
    public void An_answer_of_more_than_64_KiB_is_refused()
    {
        var part = new byte[4098];
        part[4096] = 0x61;
        var card = new RecordingConnection(_ => part);

        Assert.Throws<BadCardAnswerException>(() => PivApplication.TrySelect(card));
        Assert.True(card.Sent.Count <= 18);
    }

    private static byte[] Mangle(Random random, int mode, byte[] honest)
    {
        switch (mode)
        {
            case 0: // anything
                var bytes = new byte[random.Next(0, 300)];
                random.NextBytes(bytes);
                return random.Next(2) == 0 ? bytes : [.. bytes, 0x90, 0x00];
            case 1: // cut short, status kept
                return [.. honest[..random.Next(0, honest.Length - 1)], 0x90, 0x00];
            case 2: // one byte other
                if (random.Next(3) == 0) honest[random.Next(honest.Length)] = (byte)random.Next(256);
                return honest;
            case 3: // too long
                return random.Next(8) == 0 ? [.. honest[..^2], .. new byte[random.Next(70000)], 0x90, 0x00] : honest;
            case 4: // a status of chance
                if (random.Next(4) == 0) honest[^2] = (byte)(0x60 + random.Next(16));
                return honest;
            default: // more is always waiting, now and then
                return random.Next(4) == 0 ? [.. honest[..^2], 0x61, (byte)random.Next(256)] : honest;
        }
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            ? n : otherwise;
}

internal static class FuzzableKey
{
    /// <summary>A key with something in every application.</summary>
    public static void Fuzzable(this VirtualKey key)
    {
        using var line = key.Connect();
        OathApplication.Select(line).Put(
            new NewOathCredential("bank:alice", OathType.Hotp, OathAlgorithm.Sha1, 6), "12345678901234567890"u8);
        var piv = PivApplication.Select(line);
        piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, ManagementKeyAlgorithm.TripleDes);
        piv.PutChuid(Chuid.Create(new DateOnly(2040, 1, 1)));
        piv.PutCcc(CardCapabilities.Create());
        piv.GenerateP256(0x9A);
    }
}
