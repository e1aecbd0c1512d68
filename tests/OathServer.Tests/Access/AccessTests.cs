using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;

namespace OathServer.Tests.Access;

public class AccessTests
{
    // A public key is for everybody; an agent that enrols has a one-time code instead of a key, and this one sends none.
    private static readonly string[] OpenByDesign = ["get /v1/statements/key: 200", "post /v1/agents/enrol: 400"];

    [Theory]
    [InlineData("POST", "/v1/api-keys", "text/plain", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("POST", "/v1/validate", "text/plain", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("POST", "/v1/batches", "application/xml", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("PATCH", "/v1/api-keys", "application/json", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/v1/nothing-here", "application/json", HttpStatusCode.NotFound)]
    public async Task What_an_address_does_not_take_is_named_to_whom_is_known_and_to_nobody_else(string method, string path, string type, HttpStatusCode expected)
    {
        await using var server = await ServerUnderTest.StartAsync();
        async Task<HttpResponseMessage> SendAsync(HttpClient client)
        {
            using var request = new HttpRequestMessage(HttpMethod.Parse(method), path) { Content = new StringContent("{}") };
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            return await client.SendAsync(request, TestContext.Current.CancellationToken);
        }

        using var known = await SendAsync(await server.Client());
        using var unknown = await SendAsync(await server.Client(role: null));

        Assert.Equal((expected, "application/problem+json"), (known.StatusCode, known.Content.Headers.ContentType?.MediaType));
        Assert.Equal(HttpStatusCode.Unauthorized, unknown.StatusCode);
    }

    [Fact]
    public async Task Every_endpoint_of_the_api_is_closed_without_a_key()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var anonymous = await server.Client(role: null);
        var described = await anonymous.GetFromJsonAsync<JsonElement>("/openapi/v1.json", Cancel);
        var operations = described.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => (Path: path.Name, Method: method.Name))).ToList();

        var open = new List<string>();
        foreach (var (path, method) in operations)
        {
            using var request = new HttpRequestMessage(HttpMethod.Parse(method.ToUpperInvariant()), path.Replace("{", "x", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal));
            using var reply = await anonymous.SendAsync(request, Cancel);
            if (reply.StatusCode != HttpStatusCode.Unauthorized)
            {
                open.Add($"{method} {path}: {(int)reply.StatusCode}");
            }
        }

        Assert.True(operations.Count >= 8, $"only {operations.Count} operations were found");
        Assert.Equal(OpenByDesign.Order(StringComparer.Ordinal), open.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(Roles.RelyingParty, "/v1/tokens/A1", HttpStatusCode.Forbidden)]
    [InlineData(Roles.Auditor, "/v1/tokens/A1", HttpStatusCode.OK)]
    [InlineData(Roles.HelpDesk, "/v1/tokens/A1", HttpStatusCode.OK)]
    public async Task A_role_enters_where_its_rule_says(string role, string path, HttpStatusCode expected)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var client = await server.Client(role);

        using var reply = await client.GetAsync(path, Cancel);

        Assert.Equal(expected, reply.StatusCode);
    }

    [Theory]
    [InlineData(Roles.HelpDesk)]
    [InlineData(Roles.Provisioner)]
    [InlineData(Roles.Auditor)]
    public async Task Staff_may_not_validate_codes(string role)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client(role);

        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "A1", code = "123456" }, Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
    }

    [Fact]
    public async Task A_key_is_stored_as_a_hash_and_forgotten_when_it_expires_or_is_revoked()
    {
        var clock = new Clock(new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero));
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        var keys = server.Services.GetRequiredService<ApiKeys>();
        var key = await server.CreateKeyAsync("vpn", Roles.RelyingParty, ["north"], TimeSpan.FromDays(1));

        var known = await keys.RecogniseAsync(key, Cancel);
        Assert.Equal(("vpn", Roles.RelyingParty, true, false), (known!.Name, known.Role, known.MayEnter("north"), known.MayEnter("south")));
        Assert.Null(await keys.RecogniseAsync(key + "x", Cancel));
        clock.Now += TimeSpan.FromDays(1);
        Assert.Null(await keys.RecogniseAsync(key, Cancel));

        var other = await server.CreateKeyAsync("vpn2", Roles.RelyingParty);
        Assert.NotNull(await keys.RecogniseAsync(other, Cancel));
        await server.WithDatabase(db => db.ApiKeys.Where(k => k.Name == "vpn2")
            .ExecuteUpdateAsync(k => k.SetProperty(x => x.RevokedAt, clock.Now), Cancel));
        clock.Now += TimeSpan.FromSeconds(6);
        Assert.Null(await keys.RecogniseAsync(other, Cancel));
        // That it is nowhere in the files: SecretScanTests, on both databases.
        Assert.DoesNotContain(await server.WithDatabase(db => db.ApiKeys.ToListAsync(Cancel)), k => k.Hash.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(key)) >= 0);
    }

    [Fact]
    public async Task A_name_is_given_once_and_a_role_must_exist()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.CreateKeyAsync("vpn", Roles.RelyingParty);

        await Assert.ThrowsAsync<ArgumentException>(() => server.CreateKeyAsync("vpn", Roles.RelyingParty));
        await Assert.ThrowsAsync<ArgumentException>(() => server.CreateKeyAsync("other", "root"));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
