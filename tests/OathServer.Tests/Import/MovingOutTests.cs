using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Storage;

namespace OathServer.Tests.Import;

/// <summary>Everything can leave in formats that others read: credentials by PSKC, the rest as JSON.</summary>
public class MovingOutTests
{
    // Another implementation of RFC 6030 opens the container and says what it found.
    private const string Reader = """
        import sys, pskc
        container = pskc.PSKC(sys.argv[1])
        container.encryption.derive_key(open(sys.argv[2]).read())
        for key in sorted(container.keys, key=lambda k: k.serial):
            assert key.check() is not False
            print(key.serial, key.secret.hex(), key.counter, key.response_length, key.algorithm.rsplit(':', 1)[-1])
        """;

    [Fact]
    public async Task Credentials_leave_with_their_counters_as_python_pskc_and_oathtool_read_them()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-out-").FullName;
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await server.AddTokenAsync("B1", "abcdefghijklmnopqrst"u8.ToArray(), counter: 41, digits: 8);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 2)));
        const string passphrase = "moving out of here";
        using var export = await (await server.Client()).PostAsJsonAsync("/v1/exports", new { reason = "moving out", all = true, passphrase, suspend = true }, Cancel);
        await File.WriteAllBytesAsync(Path.Combine(folder, "out.pskcxml"), await export.Content.ReadAsByteArrayAsync(Cancel), Cancel);
        await File.WriteAllTextAsync(Path.Combine(folder, "pass"), passphrase, Cancel);

        var read = await CommandLine.PeerAsync("/usr/bin/python3", "-c", Reader, Path.Combine(folder, "out.pskcxml"), Path.Combine(folder, "pass"));

        Assert.Equal(
            ["A1 3132333435363738393031323334353637383930 3 6 hotp", "B1 6162636465666768696a6b6c6d6e6f7071727374 41 8 hotp"],
            read.Split('\n', StringSplitOptions.RemoveEmptyEntries));

        // Suspended here, accepted at the next server from the counter in the file on: never a code twice.
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 3)));
        await using var next = await ServerUnderTest.StartAsync();
        await (await next.ImportAsync(await File.ReadAllBytesAsync(Path.Combine(folder, "out.pskcxml"), Cancel), passphrase: passphrase))
            .ReportAsync(System.Net.HttpStatusCode.Created);
        Assert.False(await next.AcceptsAsync("A1", await OathtoolAsync(2)));
        Assert.True(await next.AcceptsAsync("A1", await OathtoolAsync(3)));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Records_people_and_the_trail_leave_as_JSON_without_a_secret()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await server.WithDatabase(async db =>
        {
            var alice = db.People.Single();
            for (var i = 0; i < 450; i++)
            {
                db.Records.Add(new KeyRecord { Cuid = $"{i:X4}", CuidSource = "Serial", DeviceSerial = $"D{i}", Status = KeyStatus.HandedOut, PersonId = i == 7 ? alice.Id : null, SealedPuk = [1, 2, 3] });
            }

            return await db.SaveChangesAsync();
        });
        var client = await server.Client();

        var records = Lines(await client.GetStringAsync("/v1/records/export", Cancel));
        var people = await client.GetFromJsonAsync<JsonElement>("/scim/v2/Users", Cancel);
        var tokens = await client.GetFromJsonAsync<JsonElement>("/v1/tokens", Cancel);
        var trail = Lines(await client.GetStringAsync("/v1/audit/export", Cancel));

        Assert.Equal(Enumerable.Range(0, 450).Select(i => $"{i:X4}"), records.Select(r => r.GetProperty("cuid").GetString()));
        Assert.Equal("alice", records[7].GetProperty("user").GetString());
        Assert.DoesNotContain(records, r => r.ToString().Contains("AQID", StringComparison.Ordinal));
        Assert.Equal("alice", people.GetProperty("Resources")[0].GetProperty("userName").GetString());
        Assert.Equal("A1", tokens[0].GetProperty("serial").GetString());
        Assert.Contains(trail, e => e.ToString().Contains("records.export", StringComparison.Ordinal));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static List<JsonElement> Lines(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    private static async Task<string> OathtoolAsync(int counter) =>
        (await CommandLine.PeerAsync("/usr/bin/oathtool", "-c", $"{counter}", Convert.ToHexString(Codes.Secret))).Trim();
}
