using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Tests.Tidy;

namespace OathServer.Tests.Advisories;

/// <summary>Where what a caller sent did more in a peer than it should.</summary>
public partial class InputTests
{
    private static readonly Dictionary<string, string?> Facades = new() { ["Interop:PrivacyIdea"] = "true", ["Interop:FreeRadius"] = "true" };

    // privacyIDEA: user=<space>&pass= kept the server busy. FreeIPA: with a second factor on, an empty password passed.
    [Fact]
    [Trait("Advisory", "CVE-2018-1000809")]
    [Trait("Advisory", "CVE-2014-7828")]
    public async Task Of_every_mix_of_user_code_and_state_one_alone_gets_in()
    {
        await using var server = await ServerUnderTest.StartAsync(Facades);
        var accepted = new List<string>();
        var number = 0;
        foreach (var state in (TokenState[])[TokenState.Active, TokenState.Suspended, TokenState.Disabled, TokenState.Pending, TokenState.None])
        {
            foreach (var path in (string[])["/v1/validate", "/validate/check", "/validate/radiuscheck", "/radius/authorize"])
            {
                foreach (var user in (string?[])[null, "", " ", "nobody", "*", "alice"])
                {
                    foreach (var code in (string?[])[null, "", " ", "wrong", "right"])
                    {
                        var name = $"alice{number++}";
                        if (user == "alice")
                        {
                            await server.AddTokenAsync($"T{number}", Codes.Secret, user: name, state: state);
                        }

                        var sent = code switch { "wrong" => "000000", "right" => Codes.Hotp(Codes.Secret, 0), _ => code };
                        if (await EntersAsync(server, path, user == "alice" ? name : user, sent))
                        {
                            accepted.Add($"{state} {path} {user} {code}");
                        }
                    }
                }
            }
        }

        Assert.Equal(
            ["Active /v1/validate alice right", "Active /validate/check alice right", "Active /validate/radiuscheck alice right", "Active /radius/authorize alice right"],
            accepted);
    }

    // yubikey-val before 2.x: an echoed value with a line break forged status=OK.
    [Fact]
    [Trait("Advisory", "yubikey-val/echo")]
    public async Task No_answer_repeats_what_the_caller_sent_in_a_way_that_makes_a_line_or_a_member()
    {
        await using var server = await ServerUnderTest.StartAsync(Facades);
        var client = await server.Client(Roles.RelyingParty);
        const string forged = "x\r\nstatus=OK\",\"accepted\":true,\"value\":true,\"y\":\"";
        foreach (var (path, body) in ((string, object)[])
            [("/v1/validate", new { user = forged, code = "000000" }), ("/v1/validate", new { serial = forged, code = "000000" }), ("/validate/check", new { user = forged, pass = "000000" })])
        {
            using var reply = await client.PostAsJsonAsync(path, body, Cancel);
            var text = await reply.Content.ReadAsStringAsync(Cancel);
            Assert.DoesNotContain("status=OK", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\"accepted\":true", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\"value\":true", text, StringComparison.Ordinal);
        }
    }

    // yubikey-val: a length that nobody checked reached the SQL.
    [Fact]
    [Trait("Advisory", "CVE-2020-10184")]
    public async Task Lengths_are_capped_before_anything_is_looked_up()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client(Roles.RelyingParty);
        foreach (var body in (object[])
            [new { user = new string('a', 257), code = "000000" }, new { serial = new string('1', 257), code = "000000" }, new { serial = "A1", code = new string('0', 11) }, new { user = "a", realm = new string('r', 257), code = "000000" }])
        {
            using var reply = await client.PostAsJsonAsync("/v1/validate", body, Cancel);
            Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        }

        using var huge = await client.PostAsJsonAsync("/v1/validate", new { serial = new string('1', 100_000), code = "000000" }, Cancel);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, huge.StatusCode);
    }

    [Fact]
    [Trait("Advisory", "CVE-2020-10184")]
    public void No_SQL_is_put_together_from_text() =>
        Assert.Empty(SourceTree.Under("src/OathServer").Where(f => SqlFromText().IsMatch(f.Text)).Select(f => f.Path));

    private static async Task<bool> EntersAsync(ServerUnderTest server, string path, string? user, string? code)
    {
        var client = await server.Client(Roles.RelyingParty);
        using var reply = path == "/v1/validate"
            ? await client.PostAsJsonAsync(path, new { user, code }, Cancel)
            : await client.PostAsJsonAsync(path, new { user, pass = code }, Cancel);
        Assert.True((int)reply.StatusCode < 500, $"{path} {user} {code}: {reply.StatusCode}");
        var text = await reply.Content.ReadAsStringAsync(Cancel);
        return reply.StatusCode == HttpStatusCode.NoContent
            || text.Contains("\"accepted\":true", StringComparison.Ordinal) || text.Contains("\"value\":true", StringComparison.Ordinal);
    }

    // ExecuteSqlInterpolated and FromSql(FormattableString) make parameters of their holes.
    [GeneratedRegex("(SqlRaw(Async)?\\(\\s*\\$\"|SqlRaw(Async)?\\([^)]*\\+)")]
    private static partial Regex SqlFromText();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
