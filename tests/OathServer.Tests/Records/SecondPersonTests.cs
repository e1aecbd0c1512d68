using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Records;

public class SecondPersonTests
{
    private const string Puk = "/v1/records/00011170/puk/reveal";
    private static readonly object Reason = new { reason = "PIN blocked, ticket 4711" };
    private readonly Clock clock = new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task A_PUK_is_shown_only_after_another_person_approved_once_and_all_of_it_is_in_the_trail()
    {
        await using var server = await WithKeyAsync("*");
        var (asks, approves) = (await server.Client(Roles.HelpDesk), await server.Client());

        var ask = await AskedAsync(asks);
        Assert.Equal(ask.GetProperty("id").GetGuid(), (await AskedAsync(asks)).GetProperty("id").GetGuid());
        var waiting = Assert.Single((await approves.GetFromJsonAsync<JsonElement>("/v1/reveals", Cancel)).EnumerateArray());
        Assert.Equal("PIN blocked, ticket 4711", waiting.GetProperty("reason").GetString());
        Assert.Equal(HttpStatusCode.Conflict, await DecideAsync(asks, ask, "approve"));
        Assert.Equal(HttpStatusCode.OK, await DecideAsync(approves, ask, "approve"));
        Assert.Equal(HttpStatusCode.Conflict, await DecideAsync(approves, ask, "decline"));
        Assert.Equal(0, (await asks.GetFromJsonAsync<JsonElement>("/v1/readiness", Cancel)).GetProperty("pukKnownToPerson").GetInt32());

        using (var shown = await asks.PostAsJsonAsync(Puk, Reason, Cancel))
        {
            Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        }

        await AskedAsync(asks);
        Assert.Equal(1, (await asks.GetFromJsonAsync<JsonElement>("/v1/readiness", Cancel)).GetProperty("pukKnownToPerson").GetInt32());
        Assert.Equal("known-to-person", (await asks.GetFromJsonAsync<JsonElement>("/v1/puks/due", Cancel))[0].GetProperty("why").GetString());
        var trail = await server.WithDatabase(db => db.Audit.Where(e => e.Action.StartsWith("reveal.") || e.Action == "puk.reveal")
            .OrderBy(e => e.Sequence).Select(e => new { e.Action, e.Actor, e.Detail, e.Cuid, e.UserName }).ToListAsync(Cancel));
        Assert.Equal(["reveal.ask", "reveal.approve", "puk.reveal", "reveal.ask"], trail.Select(e => e.Action));
        Assert.All(trail, e => Assert.Equal(("00011170", "alice"), (e.Cuid, e.UserName)));
        Assert.NotEqual(trail[1].Actor, trail[2].Actor);
        Assert.Equal($"PIN blocked, ticket 4711 (approved by {trail[1].Actor})", trail[2].Detail);
    }

    [Fact]
    public async Task An_approval_is_for_one_key_one_secret_one_person_and_a_quarter_of_an_hour()
    {
        await using var server = await WithKeyAsync("default");
        var (asks, approves) = (await server.Client(Roles.HelpDesk), await server.Client());
        Assert.Equal(HttpStatusCode.OK, await DecideAsync(approves, await AskedAsync(asks), "approve"));

        await AskedAsync(approves);
        await AskedAsync(asks, "/v1/records/00011170/pin/reveal");
        clock.Now += TimeSpan.FromMinutes(16);
        var again = await AskedAsync(asks);
        clock.Now += TimeSpan.FromMinutes(16);

        Assert.Equal(HttpStatusCode.Conflict, await DecideAsync(approves, again, "approve"));
        Assert.False(await server.WithDatabase(db => db.Records.AnyAsync(r => r.PukKnownToPerson, Cancel)));
        Assert.True(await server.WithDatabase(db => db.Records.AnyAsync(r => r.SealedPin != null, Cancel)));
    }

    [Fact]
    public async Task A_declined_request_shows_nothing_and_many_at_once_are_shown_one_approval_once()
    {
        await using var server = await WithKeyAsync("*");
        var (asks, approves) = (await server.Client(Roles.HelpDesk), await server.Client());
        Assert.Equal(HttpStatusCode.OK, await DecideAsync(approves, await AskedAsync(asks), "decline"));
        Assert.Equal(HttpStatusCode.OK, await DecideAsync(approves, await AskedAsync(asks), "approve"));

        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            using var reply = await asks.PostAsJsonAsync(Puk, Reason, Cancel);
            return reply.StatusCode;
        }));

        Assert.Equal(1, replies.Count(r => r == HttpStatusCode.OK));
        Assert.Equal(1, await server.WithDatabase(db => db.Audit.CountAsync(e => e.Action == "puk.reveal", Cancel)));
    }

    [Fact]
    public async Task A_key_of_another_realm_takes_one_person()
    {
        await using var server = await WithKeyAsync("headquarters");
        using var shown = await (await server.Client(Roles.HelpDesk)).PostAsJsonAsync(Puk, Reason, Cancel);
        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
    }

    private static async Task<JsonElement> AskedAsync(HttpClient client, string path = Puk)
    {
        using var reply = await client.PostAsJsonAsync(path, Reason, Cancel);
        Assert.Equal(HttpStatusCode.Accepted, reply.StatusCode);
        return await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
    }

    private static async Task<HttpStatusCode> DecideAsync(HttpClient client, JsonElement ask, string how)
    {
        using var reply = await client.PostAsync($"/v1/reveals/{ask.GetProperty("id").GetGuid()}/{how}", content: null, Cancel);
        return reply.StatusCode;
    }

    private async Task<ServerUnderTest> WithKeyAsync(string realms)
    {
        var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Records:SecondPersonRealms"] = realms }, time: clock);
        await server.AddTokenAsync("A1", Codes.Secret, counter: 5, state: TokenState.Imported);
        server.Services.GetRequiredService<KeyReaders>().Plug("desk 1", KeyReaders.VirtualKind, new VirtualKey(new VirtualKeyOptions { Serial = 70000 }).Connect);
        using var reply = await (await server.Client()).PostAsJsonAsync("/v1/provisioning", new { reader = "desk 1", serial = "A1", user = "alice" }, Cancel);
        Assert.Equal(HttpStatusCode.Created, reply.StatusCode);
        return server;
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
