using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Desk;
using OathServer.Provisioning.Steps;
using OathServer.Storage;
using SecurityKeys.Cards;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Desk;

[Collection(DeskPcscd.Collection)]
public sealed class AgentTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("agent-").FullName;

    private string Credential => Path.Combine(folder, "agent.json");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task An_agent_killed_in_the_middle_and_started_again_finishes_the_same_key_and_ykman_reads_it()
    {
        Assert.SkipWhen(DeskPcscd.Missing is not null, DeskPcscd.Missing ?? "");
        await using var server = await ServerUnderTest.StartAsync();
        await using var pcscd = await DeskPcscd.StartAsync(Cancel);
        var client = await server.Client();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 7, state: TokenState.Imported);
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 73001 });
        using var pull = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        using var cable = await pcscd.InsertAsync(key, () => !key.Peek().Piv.Puk.AsSpan().SequenceEqual("12345678"u8), pull.Token);
        using var agent = new AgentProcess(server.Address, Credential, pcscd.Socket, "--code", await InviteAsync(client));
        var reader = await ReaderAsync(client);

        var started = client.PostAsJsonAsync("/v1/provisioning", new { reader, serial = "A1", user = "user1" }, Cancel);
        // Whichever ends first: a job that ended before its PUK is shown with what it says.
        if (await Task.WhenAny(cable.Held, started) == started)
        {
            using var early = await started;
            Assert.Fail($"no PUK was written: {await early.Content.ReadAsStringAsync(Cancel)} {agent.Output}");
        }

        // The PUK is on the key, and nobody has been told.
        agent.Kill();
        cable.Release();
        using var reply = await started;
        var job = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(job.TryGetProperty("trouble", out _), job.ToString());
        await Eventually.HoldsAsync(async () => await LentAsync(client) is [], "the dead agent's reader is still listed", Cancel);
        using var again = new AgentProcess(server.Address, Credential, pcscd.Socket);
        await ReaderAsync(client);
        using var resumed = await client.PostAsJsonAsync($"/v1/provisioning/{job.GetProperty("id").GetGuid()}/resume", new { }, Cancel);

        Assert.Equal("confirmed", (await resumed.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("state").GetString());
        again.Kill();
        await AssertKnownAsync(server, key, agent.Output + again.Output);
        await AssertYkmanAgreesAsync(server, pcscd, key, "A1");
    }

    [Fact]
    public async Task An_enrolment_code_works_once_and_a_revoked_agent_is_cut_off_for_good()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client(Roles.Provisioner);
        var code = await InviteAsync(client);
        using var agent = new AgentProcess(server.Address, Credential, null, "--code", code, "--virtual", "1");
        await ReaderAsync(client);

        using var second = await client.PostAsJsonAsync("/v1/agents/enrol", new { code }, Cancel);
        var known = Assert.Single((await client.GetFromJsonAsync<JsonElement>("/v1/agents", Cancel)).EnumerateArray().ToList());
        Assert.Equal(HttpStatusCode.Forbidden, second.StatusCode);
        Assert.Equal("connected", known.GetProperty("state").GetString());
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(Credential) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));

        using var revoked = await client.PostAsync($"/v1/agents/{known.GetProperty("id").GetGuid()}/revoke", null, Cancel);

        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        Assert.Equal(3, await agent.EndsAsync(Cancel));
        Assert.Contains("revoked", agent.Output, StringComparison.Ordinal);
        Assert.DoesNotContain((await client.GetFromJsonAsync<JsonElement>("/v1/readers", Cancel)).EnumerateArray(), r => r.GetProperty("kind").GetString() == AgentLine.Kind);
        var trail = await server.WithDatabase(db => db.Audit.OrderBy(a => a.Sequence).Select(a => a.Action).ToListAsync(Cancel));
        Assert.Equal(["agent.invite", "agent.enrol", "agent.enrol", "agent.revoke"], trail.Where(a => a.StartsWith("agent.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Only_provisioners_and_administrators_invite_agents()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client(Roles.HelpDesk);

        using var reply = await client.PostAsJsonAsync("/v1/agents", new { name = "desk" }, Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
    }

    [Fact]
    public async Task An_agent_that_breaks_the_protocol_loses_its_line_and_harms_nobody()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        using var enrolled = await client.PostAsJsonAsync("/v1/agents/enrol", new { code = await InviteAsync(client) }, Cancel);
        var credential = (await enrolled.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("credential").GetString()!;
        byte[][] hostile =
        [
            [],
            [1],
            [99, 0, 0, 0, 0],
            Frame(FrameKind.Report, "not json"),
            Frame(FrameKind.Report, """{"readers":null}"""),
            Frame(FrameKind.Report, """{"readers":[null]}"""),
            Frame(FrameKind.Report, """{"readers":[{"name":"a","hasKey":true},{"name":"a","hasKey":true}]}"""),
            Frame(FrameKind.Answer, "to nothing"),
            Frame(FrameKind.Open, "a reader of the server"),
            new byte[AgentFrames.FrameMax + 1],
        ];

        foreach (var bytes in hostile)
        {
            using var socket = await ConnectAsync(server, credential);
            await socket.SendAsync(bytes, WebSocketMessageType.Binary, endOfMessage: true, Cancel);
            await AssertClosedAsync(socket);
        }

        using var text = await ConnectAsync(server, credential);
        await text.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, Cancel);
        await AssertClosedAsync(text);
        Assert.NotEqual(JsonValueKind.Undefined, (await client.GetFromJsonAsync<JsonElement>("/v1/readers", Cancel)).ValueKind);
        await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(server, credential[..^1] + "Z"));
    }

    [Fact]
    public async Task An_agent_does_not_send_PINs_over_plain_http_to_another_machine()
    {
        using var agent = new AgentProcess(new Uri("http://oath.example.com"), Credential, null);

        Assert.Equal(2, await agent.EndsAsync(Cancel));
    }

    private static byte[] Frame(FrameKind kind, string payload)
    {
        var frame = new byte[5 + Encoding.UTF8.GetByteCount(payload)];
        frame[0] = (byte)kind;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), 1);
        Encoding.UTF8.GetBytes(payload, frame.AsSpan(5));
        return frame;
    }

    private static async Task<ClientWebSocket> ConnectAsync(ServerUnderTest server, string credential)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader(AgentsEndpoint.CredentialHeader, credential);
        await socket.ConnectAsync(new UriBuilder(new Uri(server.Address, "/v1/agents/line")) { Scheme = "ws" }.Uri, Cancel);
        return socket;
    }

    private static async Task AssertClosedAsync(ClientWebSocket socket)
    {
        try
        {
            Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveAsync(new byte[16], Cancel)).MessageType);
        }
        catch (WebSocketException)
        {
            // cut off without a word
        }
    }

    private static async Task<string> InviteAsync(HttpClient client)
    {
        using var reply = await client.PostAsJsonAsync("/v1/agents", new { name = "desk-1" }, Cancel);
        Assert.Equal(HttpStatusCode.Created, reply.StatusCode);
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString()!;
    }

    /// <summary>The reader of the desk that holds a key, once the agent has told of it.</summary>
    private static async Task<string> ReaderAsync(HttpClient client)
    {
        string? found = null;
        await Eventually.HoldsAsync(async () =>
        {
            found = (await LentAsync(client)).Where(r => r.GetProperty("hasKey").GetBoolean()).Select(r => r.GetProperty("name").GetString()).FirstOrDefault();
            return found is not null;
        }, "the agent lent no reader", Cancel);
        return found!;
    }

    /// <summary>The readers that agents lend.</summary>
    private static async Task<IReadOnlyList<JsonElement>> LentAsync(HttpClient client) =>
        [.. (await client.GetFromJsonAsync<JsonElement>("/v1/readers", Cancel)).EnumerateArray().Where(r => r.GetProperty("kind").GetString() == AgentLine.Kind)];

    private static async Task AssertKnownAsync(ServerUnderTest server, VirtualKey key, string log)
    {
        var contents = key.Peek();
        var puk = await server.WithDatabase(async db => await server.Services.GetRequiredService<KeySecrets>().PukOfAsync(
            db, await db.Records.SingleAsync(r => r.Cuid == Cuid.FromSerial(key.Options.Serial).Text, Cancel), Cancel));
        Assert.Equal(puk, contents.Piv.Puk);
        Assert.DoesNotContain(Encoding.ASCII.GetString(contents.Piv.Puk), log, StringComparison.Ordinal);
        Assert.DoesNotContain(Encoding.ASCII.GetString(contents.Piv.Pin), log, StringComparison.Ordinal);
    }

    /// <summary>The vendor's own tool, which nobody here wrote: nothing is factory-set, the credential is there, and its code
    /// is the one the server expects.</summary>
    private static async Task AssertYkmanAgreesAsync(ServerUnderTest server, DeskPcscd pcscd, VirtualKey key, string token)
    {
        var device = new[] { "--device", key.Options.Serial.ToString(System.Globalization.CultureInfo.InvariantCulture) };
        var piv = await pcscd.RunAsync("ykman", [.. device, "piv", "info"]);
        Assert.Contains("PIN tries remaining: 5/5", piv, StringComparison.Ordinal);
        Assert.DoesNotContain("default", piv, StringComparison.OrdinalIgnoreCase);
        Assert.Contains($"OathServer:{token}", await pcscd.RunAsync("ykman", [.. device, "oath", "accounts", "list"]), StringComparison.Ordinal);
        var code = Regex.Match(await pcscd.RunAsync("ykman", [.. device, "oath", "accounts", "code", $"OathServer:{token}"]), "[0-9]{6}\\s*$").Value.Trim();
        Assert.True(await server.AcceptsAsync(token, code));
    }
}
