using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;
using SecurityKeys.OtpSlots;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Validation;

/// <summary>A key's OTP slot may type its OATH token identifier before each code.</summary>
public class TokenIdentifierTests
{
    private static readonly byte[] Identifier = [0xE1, 0x63, 0x05, 0x17, 0x42, 0x11];
    private static readonly Dictionary<string, string?> On = new() { ["Validation:TokenIdentifiers"] = "true", ["Interop:PrivacyIdea"] = "true" };

    [Theory]
    [InlineData(6)]
    [InlineData(8)]
    public async Task What_a_key_types_with_its_identifier_is_accepted_once_where_the_policy_says_so(int digits)
    {
        var key = KeyWithIdentifier(digits);
        await using var server = await ServerUnderTest.StartAsync(On);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice", digits: digits);
        var client = await server.Client(Roles.RelyingParty);

        var (first, second, third) = (key.Touch(1)!, key.Touch(1)!, key.Touch(1)!);

        Assert.Equal("ubhe05174211" + Codes.Hotp(Codes.Secret, 0, digits), first);
        Assert.True(await ValidateAsync(client, first));
        Assert.False(await ValidateAsync(client, first));
        Assert.False(await ValidateAsync(client, Codes.Hotp(Codes.Secret, 0, digits)));
        using var check = await client.GetAsync($"/validate/check?user=alice&pass={second.ToUpperInvariant()}", Cancel);
        Assert.True((await check.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("result").GetProperty("value").GetBoolean());
        Assert.True(await ValidateAsync(client, third[12..]));
    }

    [Fact]
    public async Task Two_touches_with_identifiers_resynchronise()
    {
        var key = KeyWithIdentifier(6);
        for (var lost = 0; lost < 40; lost++)
        {
            key.Touch(1);
        }

        await using var server = await ServerUnderTest.StartAsync(On);
        await server.AddTokenAsync("A1", Codes.Secret);
        var client = await server.Client(Roles.RelyingParty);

        using var reply = await client.PostAsJsonAsync("/v1/tokens/A1/resync", new { codes = (string[])[key.Touch(1)!, key.Touch(1)!] }, Cancel);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal(42, (await server.CounterAsync("A1")).Counter);
    }

    [Theory]
    [InlineData("false", "ubhe05174211755224")]
    [InlineData("true", "1234567890127552240")]
    [InlineData("true", "123456789012755224")]
    [InlineData("true", "axhe05174211755224")]
    [InlineData("true", "ubhe05174211 55224")]
    [InlineData("true", "ubhe0517421155224")]
    [InlineData("true", "ubhe051742117552240")]
    [InlineData("true", "ubhe05174211ccccc4")]
    public async Task Anything_else_is_no_code(string policy, string typed)
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Validation:TokenIdentifiers"] = policy });
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var client = await server.Client(Roles.RelyingParty);

        using var reply = await client.PostAsJsonAsync("/v1/validate", new { user = "alice", code = typed }, Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static VirtualKey KeyWithIdentifier(int digits)
    {
        var key = new VirtualKey();
        using var connection = key.Connect();
        OtpSlotsApplication.TrySelect(connection)!.PutHotp(1, Codes.Secret, digits, movingFactor: 0, tokenIdentifier: Identifier);
        return key;
    }

    private static async Task<bool> ValidateAsync(HttpClient client, string code)
    {
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { user = "alice", code }, Cancel);
        reply.EnsureSuccessStatusCode();
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean();
    }
}
