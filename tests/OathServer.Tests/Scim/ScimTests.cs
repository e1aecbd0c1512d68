using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using OathServer.Access;

namespace OathServer.Tests.Scim;

/// <summary>The requests are those that Entra ID and Okta document for their provisioning.</summary>
public class ScimTests
{
    [Fact]
    public async Task A_leaver_is_refused_at_once_and_a_returner_finds_the_token_as_it_was()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var directory = await DirectoryAsync(server);
        var id = await CreateAsync(directory, """{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"alice","externalId":"e-17","active":true,"name":{"givenName":"Alice","familyName":"Young"}}""");

        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        await PatchAsync(directory, id, """{"op":"Replace","path":"active","value":"False"}""");
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
        Assert.Equal(1, (await server.CounterAsync("A1")).Counter);

        await PatchAsync(directory, id, """{"op":"replace","value":{"active":true}}""");
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
    }

    [Fact]
    public async Task A_leaver_cannot_resynchronise_either()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var directory = await DirectoryAsync(server);
        var id = await CreateAsync(directory, """{"userName":"alice","externalId":"e-17"}""");
        await PatchAsync(directory, id, """{"op":"replace","path":"active","value":false}""");

        var staff = await server.Client();
        using var reply = await staff.PostAsync("/v1/tokens/A1/resync", Json($$"""{"codes":["{{Codes.Hotp(Codes.Secret, 30)}}","{{Codes.Hotp(Codes.Secret, 31)}}"]}"""), Cancel);

        Assert.False(reply.IsSuccessStatusCode);
        Assert.Equal(0, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task A_token_given_to_a_leaver_is_refused_and_one_taken_back_is_free_again()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var directory = await DirectoryAsync(server);
        await CreateAsync(directory, """{"userName":"bob","externalId":"e-18","active":false}""");
        var staff = await server.Client();

        using var given = await staff.PutAsync("/v1/tokens/A1/user", Json("""{"user":"bob"}"""), Cancel);
        Assert.Equal(HttpStatusCode.OK, given.StatusCode);
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));

        using var taken = await staff.PutAsync("/v1/tokens/A1/user", Json("""{"user":null}"""), Cancel);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
    }

    [Fact]
    public async Task A_name_known_from_an_import_is_taken_up_once_and_then_taken()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var directory = await DirectoryAsync(server);
        var id = await CreateAsync(directory, """{"userName":"ALICE","externalId":"e-17","displayName":"Alice Y","emails":[{"value":"a@x.example","primary":true}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"1701"}}""");

        var found = await ReadAsync(await directory.GetAsync("/scim/v2/Users?filter=" + Uri.EscapeDataString("userName eq \"alice\""), Cancel), HttpStatusCode.OK);
        Assert.Equal(1, found.GetProperty("totalResults").GetInt32());
        Assert.Equal((id, "a@x.example"), (found.GetProperty("Resources")[0].GetProperty("id").GetString(), found.GetProperty("Resources")[0].GetProperty("emails")[0].GetProperty("value").GetString()));

        var fault = await ReadAsync(await directory.PostAsync("/scim/v2/Users", Json("""{"userName":"alice","externalId":"e-99"}"""), Cancel), HttpStatusCode.Conflict);
        Assert.Equal("uniqueness", fault.GetProperty("scimType").GetString());
    }

    [Fact]
    public async Task A_user_forgotten_by_the_directory_is_gone_from_it_when_they_held_nothing()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var directory = await DirectoryAsync(server);
        var id = await CreateAsync(directory, """{"userName":"carol","externalId":"e-19"}""");

        using var deleted = await directory.DeleteAsync($"/scim/v2/Users/{id}", Cancel);

        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        await ReadAsync(await directory.GetAsync($"/scim/v2/Users/{id}", Cancel), HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"userName":""}""")]
    [InlineData("""{"userName":17}""")]
    [InlineData("""{"userName":"x","active":"perhaps"}""")]
    [InlineData("""{"userName":"x","emails":"a@x.example"}""")]
    [InlineData("""{"userName":"x","userName":"y"}""")]
    public async Task A_user_that_cannot_be_read_is_refused_in_scims_own_words(string body)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var directory = await DirectoryAsync(server);

        var fault = await ReadAsync(await directory.PostAsync("/scim/v2/Users", Json(body), Cancel), HttpStatusCode.BadRequest);

        Assert.Equal("urn:ietf:params:scim:api:messages:2.0:Error", fault.GetProperty("schemas")[0].GetString());
        Assert.NotEmpty(fault.GetProperty("detail").GetString()!);
    }

    [Fact]
    public async Task A_directory_sees_the_people_of_its_realm_alone_and_nothing_else()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var id = await CreateAsync(await DirectoryAsync(server), """{"userName":"alice","externalId":"e-17"}""");
        var other = await DirectoryAsync(server, "branch");

        await ReadAsync(await other.GetAsync($"/scim/v2/Users/{id}", Cancel), HttpStatusCode.NotFound);
        using var tokens = await other.GetAsync("/v1/tokens", Cancel);
        using var validate = await other.PostAsync("/v1/validate", Json("""{"user":"alice","code":"755224"}"""), Cancel);
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (tokens.StatusCode, validate.StatusCode));
    }

    [Fact]
    public async Task What_is_offered_can_be_discovered()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var directory = await DirectoryAsync(server);

        foreach (var path in (string[])["ServiceProviderConfig", "ResourceTypes", "Schemas"])
        {
            Assert.NotEqual(default, (await ReadAsync(await directory.GetAsync($"/scim/v2/{path}", Cancel), HttpStatusCode.OK)).GetProperty("schemas"));
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A directory as it connects: its API key as a bearer token.</summary>
    private static async Task<HttpClient> DirectoryAsync(ServerUnderTest server, string realm = "default")
    {
        var client = new HttpClient { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await server.CreateKeyAsync("directory of " + realm, Roles.Directory, [realm]));
        return client;
    }

    private static async Task<string> CreateAsync(HttpClient directory, string user) =>
        (await ReadAsync(await directory.PostAsync("/scim/v2/Users", Json(user), Cancel), HttpStatusCode.Created)).GetProperty("id").GetString()!;

    private static async Task PatchAsync(HttpClient directory, string id, string operation) => await ReadAsync(
        await directory.PatchAsync($"/scim/v2/Users/{id}", Json($$"""{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{{operation}}]}"""), Cancel), HttpStatusCode.OK);

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage reply, HttpStatusCode expected)
    {
        using (reply)
        {
            Assert.Equal(expected, reply.StatusCode);
            Assert.Equal("application/scim+json", reply.Content.Headers.ContentType?.MediaType);
            using var document = JsonDocument.Parse(await reply.Content.ReadAsStringAsync(Cancel));
            return document.RootElement.Clone();
        }
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
