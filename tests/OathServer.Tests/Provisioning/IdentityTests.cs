using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Cards;
using SecurityKeys.Piv;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

/// <summary>Under which identity a key's record stands, and that it stays there.</summary>
public class IdentityTests
{
    private const string Reader = "desk 1";

    [Fact]
    public async Task CHUID_and_CCC_are_written_when_missing_and_the_record_stays_under_the_serial()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var key = Plug(server, new VirtualKeyOptions { Serial = 72001 });

        var job = await ProvisionAsync(await server.Client(), new { reader = Reader, serial = "A1", user = "alice" });

        Assert.Equal("confirmed", job.GetProperty("state").GetString());
        Assert.Equal("CHUID and CCC written", DetailOf(job, "identity"));
        var piv = PivApplication.Select(key.Connect());
        Assert.NotNull(piv.GetChuid());
        Assert.NotNull(piv.GetCcc());
        Assert.Equal(("00011941", "DeviceSerial"), await RecordAsync(server));
    }

    [Fact]
    public async Task A_key_of_old_firmware_stands_under_the_serial_its_OTP_application_tells()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        Plug(server, new VirtualKeyOptions { Serial = 72001, Firmware = new Version(4, 3, 7) });

        var job = await ProvisionAsync(await server.Client(), new { reader = Reader, serial = "A1", user = "alice" });

        Assert.Equal("confirmed", job.GetProperty("state").GetString());
        Assert.Equal(("00011941", "DeviceSerial"), await RecordAsync(server));
    }

    [Fact]
    public async Task A_card_without_any_identity_gets_a_CHUID_and_keeps_its_record_when_provisioned_again()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await CardProfileAsync(server);
        var key = Plug(server, new VirtualKeyOptions { IsPlainPivCard = true, HasIssuerObjects = false });

        var first = await ProvisionAsync(client, new { reader = Reader, profile = "cards", user = "alice" });
        var again = await ProvisionAsync(client, new { reader = Reader, profile = "cards", user = "alice" });

        Assert.Equal("confirmed", first.GetProperty("state").GetString());
        Assert.Equal("confirmed", again.GetProperty("state").GetString());
        var guid = Convert.ToHexString(PivApplication.Select(key.Connect()).GetChuid()!.CardId.Span);
        Assert.Equal((guid, "ChuidGuid"), await RecordAsync(server));
    }

    [Fact]
    public async Task A_record_made_under_the_CCC_stays_there_although_a_CHUID_is_written()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await CardProfileAsync(server);
        var key = Plug(server, new VirtualKeyOptions { IsPlainPivCard = true, HasIssuerObjects = false });
        var ccc = CardCapabilities.Create();
        var issuer = PivApplication.Select(key.Connect());
        Assert.True(issuer.AuthenticateManagementKey(PivApplication.FactoryManagementKey, ManagementKeyAlgorithm.TripleDes));
        issuer.PutCcc(ccc);

        var first = await ProvisionAsync(client, new { reader = Reader, profile = "cards", user = "alice" });
        var again = await ProvisionAsync(client, new { reader = Reader, profile = "cards", user = "alice" });

        Assert.Equal("CHUID written", DetailOf(first, "identity"));
        Assert.Equal("confirmed", again.GetProperty("state").GetString());
        Assert.Equal((Convert.ToHexString(ccc.CardIdentifier.Span), "CccCardId"), await RecordAsync(server));
    }

    [Fact]
    public async Task A_plain_PIV_card_with_its_maker_s_own_factory_values_gets_PIN_PUK_CHUID_and_CCC()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await CardProfileAsync(server, new { pin = "000000", puk = "87654321" });
        var key = Plug(server, new VirtualKeyOptions { IsPlainPivCard = true, HasIssuerObjects = false });
        var maker = PivApplication.Select(key.Connect());
        Assert.True(maker.ChangePin("123456"u8, "000000"u8).Accepted && maker.ChangePuk("12345678"u8, "87654321"u8).Accepted);

        var job = await ProvisionAsync(client, new { reader = Reader, profile = "cards", user = "alice" });

        Assert.Equal("confirmed", job.GetProperty("state").GetString());
        var card = key.Peek().Piv;
        Assert.Matches("^[0-9]{8}$", System.Text.Encoding.ASCII.GetString(card.Puk));
        Assert.Matches("^[0-9]{6}$", System.Text.Encoding.ASCII.GetString(card.Pin));
        Assert.NotEqual("87654321"u8.ToArray(), card.Puk);
        Assert.NotEqual("000000"u8.ToArray(), card.Pin);
        Assert.Equal((card.PinTriesTotal, card.PukTriesTotal), (card.PinTriesLeft, card.PukTriesLeft));
        Assert.NotNull(PivApplication.Select(key.Connect()).GetChuid());
        Assert.NotNull(PivApplication.Select(key.Connect()).GetCcc());
    }

    [Fact]
    public async Task A_PUK_shorter_than_the_standard_s_is_refused_for_a_plain_PIV_card_and_taken_by_a_YubiKey()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        using var made = await client.PutAsJsonAsync("/v1/profiles/short", new
        {
            version = 0,
            decisions = new { oath = (object?)null, verifyFirstCode = false, puk = new { digits = 6 } },
        }, Cancel);
        Assert.True(made.IsSuccessStatusCode);
        Plug(server, new VirtualKeyOptions { IsPlainPivCard = true });
        using var card = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, profile = "short", user = "alice" }, Cancel);
        var key = Plug(server, new VirtualKeyOptions { Serial = 72002 });

        var job = await ProvisionAsync(client, new { reader = Reader, profile = "short", user = "alice" });

        Assert.Contains("this key takes 8", await card.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Assert.Equal("confirmed", job.GetProperty("state").GetString());
        Assert.Equal(6, key.Peek().Piv.Puk.Length);
    }

    [Fact]
    public void A_copied_CHUID_does_not_make_another_device_the_key_of_a_record()
    {
        var guid = Cuid.FromBytes(new byte[16].Select((_, i) => (byte)i).ToArray(), CuidSource.ChuidGuid);
        var record = new KeyRecord { Cuid = guid.Text, CuidSource = "ChuidGuid", DeviceSerial = "72001" };

        Assert.True(KeyIdentity.IsKeyOf(record, [Cuid.FromSerial(72001), guid]));
        Assert.False(KeyIdentity.IsKeyOf(record, [Cuid.FromSerial(72002), guid]));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static VirtualKey Plug(ServerUnderTest server, VirtualKeyOptions options)
    {
        var key = new VirtualKey(options);
        server.Services.GetRequiredService<KeyReaders>().Plug(Reader, KeyReaders.VirtualKind, key.Connect);
        return key;
    }

    private static async Task<HttpClient> CardProfileAsync(ServerUnderTest server, object? factory = null)
    {
        var client = await server.Client();
        using var made = await client.PutAsJsonAsync("/v1/profiles/cards", new
        {
            version = 0,
            decisions = new { oath = (object?)null, verifyFirstCode = false, factory = factory ?? new { } },
        }, Cancel);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync(Cancel));
        return client;
    }

    private static async Task<JsonElement> ProvisionAsync(HttpClient client, object request)
    {
        using var reply = await client.PostAsJsonAsync("/v1/provisioning", request, Cancel);
        var job = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(reply.IsSuccessStatusCode, job.ToString());
        return job;
    }

    private static string? DetailOf(JsonElement job, string step) => job.GetProperty("steps").EnumerateArray()
        .Single(s => s.GetProperty("name").GetString() == step).GetProperty("detail").GetString();

    private static Task<(string, string)> RecordAsync(ServerUnderTest server) => server.WithDatabase(async db =>
    {
        var record = await db.Records.SingleAsync(Cancel);
        return (record.Cuid, record.CuidSource);
    });
}
