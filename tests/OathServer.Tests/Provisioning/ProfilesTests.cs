using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

public class ProfilesTests
{
    [Fact]
    public async Task An_edit_adds_a_version_and_one_made_on_an_old_version_is_refused()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var first = await client.GetFromJsonAsync<JsonElement>("/v1/profiles/default", Cancel);
        var edit = new { version = 1, decisions = first.GetProperty("decisions") };

        using var saved = await client.PutAsJsonAsync("/v1/profiles/default", edit, Cancel);
        using var late = await client.PutAsJsonAsync("/v1/profiles/default", edit, Cancel);

        Assert.Equal(HttpStatusCode.OK, saved.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        var all = await client.GetFromJsonAsync<JsonElement>("/v1/profiles", Cancel);
        Assert.Equal(2, Assert.Single(all.EnumerateArray()).GetProperty("version").GetInt32());
    }

    [Fact]
    public async Task Only_an_administrator_edits_profiles()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client(Roles.Provisioner);

        using var reply = await client.PutAsJsonAsync("/v1/profiles/default", new { version = 1 }, Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
    }

    [Fact]
    public async Task A_job_stopped_by_a_pulled_key_is_listed_and_given_up_only_by_force()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 70000 });
        server.Services.GetRequiredService<KeyReaders>().Plug("desk 1", KeyReaders.VirtualKind, key.Connect);
        var client = await server.Client();
        var readers = await client.GetFromJsonAsync<JsonElement>("/v1/readers", Cancel);
        Assert.Contains(readers.EnumerateArray(), r => r.GetProperty("name").GetString() == "desk 1" && r.GetProperty("hasKey").GetBoolean());
        key.PullBefore(60);

        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = "desk 1", serial = "A1", user = "alice" }, Cancel);
        var job = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.NotEqual("confirmed", job.GetProperty("state").GetString());
        var open = await client.GetFromJsonAsync<JsonElement>("/v1/provisioning?state=open", Cancel);
        Assert.Single(open.EnumerateArray());
        var path = $"/v1/provisioning/{job.GetProperty("id").GetGuid()}/abandon";
        using var refused = await client.PostAsJsonAsync(path, new { force = false }, Cancel);
        using var forced = await client.PostAsJsonAsync(path, new { force = true }, Cancel);

        Assert.Equal((HttpStatusCode.Conflict, HttpStatusCode.OK), (refused.StatusCode, forced.StatusCode));
        // The credential had not reached the key: it is free for another one.
        Assert.Equal(TokenState.Imported, (await server.CounterAsync("A1")).State);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
