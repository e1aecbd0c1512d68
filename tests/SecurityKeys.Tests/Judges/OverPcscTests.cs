using SecurityKeys.Cards;
using SecurityKeys.Cards.PcSc;
using SecurityKeys.OathApplet;
using SecurityKeys.Piv;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Judges;

/// <summary>Our own driver through the same pcscd: nothing bypassed.</summary>
[Collection("readers")]
public sealed class OverPcscTests(PrivatePcscd pcscd)
{
    [Fact]
    public async Task A_key_provisioned_by_us_is_seen_by_ykman_as_provisioned()
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 4711 });
        await using var inserted = Insert(key);
        using (var context = new PcscContext())
        using (var connection = context.Connect(inserted.Reader))
        {
            using var transaction = connection.BeginTransaction();
            var piv = PivApplication.Select(connection);
            piv.ChangePuk(PivApplication.FactoryPuk, "87654321"u8).ThrowIfRefused("change the PUK");
            piv.ChangePin(PivApplication.FactoryPin, "271828"u8).ThrowIfRefused("change the PIN");
            OathApplication.Select(connection).Put(
                new NewOathCredential("bank:alice", OathType.Hotp, OathAlgorithm.Sha1, 6, 7), "12345678901234567890"u8);
        }

        var info = pcscd.Run("/usr/bin/ykman", "--device", "4711", "piv", "info").Output;
        Assert.Contains("PIN tries remaining: 3/3", info);
        Assert.DoesNotContain("default PIN", info);
        Assert.Contains("bank:alice", pcscd.Run("/usr/bin/ykman", "--device", "4711", "oath", "accounts", "list").Output);
        // RFC 4226 appendix D, count 7.
        Assert.Contains("162583", pcscd.Run("/usr/bin/ykman", "--device", "4711", "oath", "accounts", "code", "bank:alice").Output);
    }

    [Fact]
    public async Task The_report_is_the_same_through_a_reader_as_in_process_and_spends_no_try()
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 4712 });
        await using var inserted = Insert(key);
        SecurityKeyReport through;
        using (var context = new PcscContext())
        using (var connection = context.Connect(inserted.Reader))
            through = SecurityKeyReport.Read(connection);

        using var direct = key.Connect();
        var inProcess = SecurityKeyReport.Read(direct);

        Assert.Equal(Cuid.FromSerial(4712), through.Cuid);
        Assert.Equal(inProcess.Device, through.Device);
        Assert.Equal(inProcess.Piv, through.Piv);
        Assert.Equal(["Management", "PIV", "OATH", "OTP", "FIDO2"], through.Applications);
        Assert.Equal(3, key.Peek().Piv.PinTriesLeft);
    }

    [Fact]
    public async Task Inserting_and_pulling_a_key_is_told_as_it_happens()
    {
        Assert.SkipWhen(pcscd.Missing is not null, pcscd.Missing ?? "");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        stop.CancelAfter(TimeSpan.FromSeconds(20));
        var seen = new List<ReaderChange>();
        InsertedKey? inserted = null;

        await foreach (var change in ReaderWatch.WatchAsync(stop.Token))
        {
            if (!change.Reader.StartsWith(PrivatePcscd.PlainReader + " 00 00", StringComparison.Ordinal)) continue;
            seen.Add(change.Change);
            if (change.Change == ReaderChange.ReaderArrived)
                inserted = pcscd.Insert(new VirtualKey(), PrivatePcscd.PlainReader);
            if (change.Change == ReaderChange.KeyInserted) await inserted!.DisposeAsync();
            if (change.Change == ReaderChange.KeyRemoved) break;
        }

        Assert.Equal([ReaderChange.ReaderArrived, ReaderChange.KeyInserted, ReaderChange.KeyRemoved], seen);
    }

    [Fact]
    public async Task A_key_pulled_in_the_middle_is_a_clear_exception()
    {
        var inserted = Insert(new VirtualKey());
        using var context = new PcscContext();
        using var connection = context.Connect(inserted.Reader);
        var piv = PivApplication.Select(connection);
        await inserted.DisposeAsync();

        Assert.Throws<CardRemovedException>(() => piv.ReadPinMetadata());
    }

    [Fact]
    public async Task A_card_reset_by_another_program_is_a_clear_exception_and_can_be_taken_up_again()
    {
        await using var inserted = Insert(new VirtualKey());
        using var context = new PcscContext();
        using var connection = context.Connect(inserted.Reader);
        var piv = PivApplication.Select(connection);
        context.Connect(inserted.Reader).Dispose(); // closing resets

        Assert.Throws<CardResetException>(() => piv.ReadPinMetadata());
        connection.Reconnect();
        Assert.True(PivApplication.Select(connection).ReadPinMetadata()!.IsDefault);
    }

    private InsertedKey Insert(VirtualKey key)
    {
        Assert.SkipWhen(pcscd.Missing is not null, pcscd.Missing ?? "");
        return pcscd.Insert(key);
    }
}
