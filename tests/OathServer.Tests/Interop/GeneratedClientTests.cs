using System.Diagnostics;
using System.Text.Json;
using OathServer.Access;
using OathServer.Samples.Generated;
using OathServer.Tests.Tidy;
using static OathServer.Tests.Interop.ClientPrograms;

namespace OathServer.Tests.Interop;

/// <summary>Clients generated from the server's own description (<c>tools/clients</c>), used against the real server.</summary>
public class GeneratedClientTests
{
    private const string Generated = "samples/clients/generated";

    [Theory]
    [InlineData("curl", "use.sh")]
    [InlineData("python", "use.py")]
    [InlineData("javascript", "use.mjs")]
    public async Task A_generated_client_validates_resynchronises_and_reads_the_record(string language, string script)
    {
        Need(language);
        await using var server = await WithAliceAsync();
        var party = await server.CreateKeyAsync("vpn", Roles.RelyingParty);
        var staff = await server.CreateKeyAsync("desk", Roles.HelpDesk);
        Task<(int Exit, string Output)> RunAsync(string key, params string[] words) =>
            ClientPrograms.RunAsync(language, $"tests/OathServer.Tests/Interop/GeneratedClients/{script}", server.Address.ToString(), key, words);

        Assert.Equal((0, "accepted"), await RunAsync(party, "validate", "alice", Code(0)));
        Assert.Equal((1, "refused"), await RunAsync(party, "validate", "alice", Code(0)));
        Assert.Equal((0, "resynchronised"), await RunAsync(party, "resync", "A1", Code(60), Code(61)));
        Assert.Equal(1, (await RunAsync(party, "resync", "A1", Code(3), Code(4))).Exit);
        Assert.Equal((0, "00AA"), await RunAsync(staff, "record", "A1"));
        Assert.Equal(1, (await RunAsync(staff, "record", "nothing-of-that-name")).Exit);
        Assert.Equal(2, (await RunAsync("not-a-key", "validate", "alice", Code(62))).Exit);
        Assert.Equal(62, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task The_one_for_dotnet_does_the_same()
    {
        await using var server = await WithAliceAsync();
        var party = new OathServerApi(await server.Client(Roles.RelyingParty));
        var staff = new OathServerApi(await server.Client(Roles.HelpDesk));
        var nobody = new OathServerApi(await server.Client(role: null));
        Task<ValidateReply> ValidateAsync(OathServerApi api, int counter) =>
            api.Validate_ValidateAsync(new ValidateRequest { User = "alice", Code = Code(counter) }, Guid.NewGuid().ToString(), Cancel);

        Assert.Equal((true, "A1"), (await ValidateAsync(party, 0)) is var first ? (first.Accepted, first.Serial) : default);
        Assert.False((await ValidateAsync(party, 0)).Accepted);
        Assert.Equal(62, (await party.Resync_ResynchroniseAsync("A1", new ResyncRequest { Codes = [Code(60), Code(61)] }, Cancel)) is not null ? (await server.CounterAsync("A1")).Counter : 0);
        var refused = await Assert.ThrowsAsync<ApiException<ProblemDetails>>(() => party.Resync_ResynchroniseAsync("A1", new ResyncRequest { Codes = [Code(3), Code(4)] }, Cancel));
        Assert.Equal(422, refused.StatusCode);
        Assert.Equal("00AA", Assert.Single(await staff.Records_SearchAsync("A1", Cancel)).Cuid);
        Assert.Equal(401, (await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(nobody, 62))).StatusCode);
    }

    [Fact]
    public async Task What_they_were_generated_from_is_what_the_server_says_of_itself()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "python3 is not installed; ./test installs it.");
        await using var server = await ServerUnderTest.StartAsync();
        var folder = Directory.CreateTempSubdirectory("oath-openapi-").FullName;
        try
        {
            var (whole, part) = (Path.Combine(folder, "whole.json"), Path.Combine(folder, "part.json"));
            await File.WriteAllTextAsync(whole, await (await server.Client(role: null)).GetStringAsync("/openapi/v1.json", Cancel), Cancel);
            using var trim = Process.Start("/usr/bin/python3", [Path.Combine(SourceTree.Root, "tools/clients-description"), whole, part]);
            await trim.WaitForExitAsync(Cancel);

            Assert.Equal(0, trim.ExitCode);
            Assert.True(
                await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, Generated, "api.json"), Cancel) == await File.ReadAllTextAsync(part, Cancel),
                "The description of what the clients call has changed: run tools/clients and commit what it makes.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Every_operation_has_a_name_of_its_own_and_says_how_to_show_a_key()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var described = JsonDocument.Parse(await (await server.Client(role: null)).GetStringAsync("/openapi/v1.json", Cancel)).RootElement;
        var names = described.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject())
            .Where(o => o.Value.TryGetProperty("operationId", out _)).Select(o => o.Value.GetProperty("operationId").GetString()).ToList();

        Assert.True(names.Count > 60, $"{names.Count} operations have a name");
        Assert.Equal(names.Count, names.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal("X-API-Key", described.GetProperty("components").GetProperty("securitySchemes").GetProperty("ApiKey").GetProperty("name").GetString());
        Assert.Equal(1, described.GetProperty("security").GetArrayLength());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
