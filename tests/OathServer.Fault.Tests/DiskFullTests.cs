using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;
using OathServer.Tests;

namespace OathServer.Fault.Tests;

/// <summary>A real server on a real file system of a few megabytes, filled to its last byte. The file system is mounted
/// in a namespace of the server's own, and gone with it.</summary>
public class DiskFullTests
{
    private const int DiskMegabytes = 24, ReserveMegabytes = 2;

    [Fact]
    public async Task On_a_full_disk_validations_go_on_from_the_reserve_then_stop_with_503_and_heal_when_space_returns()
    {
        Assert.SkipUnless(await MayMountAsync(), "unshare may not mount a file system here");
        var image = Directory.CreateTempSubdirectory("oathserver-full-").FullName;
        await using (var made = await ServerUnderTest.StartAsync(
            new Dictionary<string, string?> { ["Storage:ReserveMegabytes"] = "0" }, folder: image))
        {
            await made.AddTokenAsync("F1", Codes.Secret);
        }

        var key = await ServerProcess.CreateApiKeyAsync(image, Roles.Administrator, [new("Storage__ReserveMegabytes", "0")]);
        var disk = Directory.CreateTempSubdirectory("oathserver-disk-").FullName;
        string[] mounted =
        [
            "unshare", "--map-root-user", "--mount", "sh", "-c",
            $"mount -t tmpfs -o size={DiskMegabytes}m tmpfs {disk} && cp {image}/* {disk}/ && exec \"$@\"", "sh",
        ];
        await using (var server = await ServerProcess.StartAsync(
            disk,
            [
                new("Storage__ReserveMegabytes", $"{ReserveMegabytes}"), new("Validation__FastFailures", "100"),
                // The program's own temporary files are not on the disk that is full.
                new("DOTNET_EnableDiagnostics", "0"),
            ],
            mounted))
        {
            var inside = $"/proc/{server.Id}/root{disk}";
            using var client = server.Client(key);
            Assert.StartsWith("ready", await ReadyAsync(client, HttpStatusCode.OK), StringComparison.Ordinal);

            var counter = 0L;
            while (!(await ReadyAsync(client)).Contains("reserve", StringComparison.Ordinal))
            {
                Assert.True(counter < 50_000, "the disk did not fill");
                Fill(inside);
                Assert.Equal((HttpStatusCode.OK, true), await ValidateAsync(client, counter++));
            }

            Assert.Contains("is full", server.Log, StringComparison.Ordinal);
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal((HttpStatusCode.OK, true), await ValidateAsync(client, counter++));
            }

            // The reserve is used up too: refused, nothing accepted, nothing counted.
            HttpStatusCode status;
            bool accepted;
            do
            {
                Fill(inside);
                (status, accepted) = await ValidateAsync(client, counter);
                counter += accepted ? 1 : 0;
            }
            while (status == HttpStatusCode.OK);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, false), (status, accepted));
            await ReadyAsync(client, HttpStatusCode.ServiceUnavailable);
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, (await ValidateAsync(client, counter + 900)).Status);
            }

            Empty(inside);
            Assert.Equal((HttpStatusCode.OK, true), await ValidateAsync(client, counter++));
            var token = await client.GetFromJsonAsync<JsonElement>("/v1/tokens/F1", Cancel);
            Assert.Equal((counter, 0), (token.GetProperty("counter").GetInt64(), token.GetProperty("failures").GetInt32()));
            for (var looks = 0; (await ReadyAsync(client)).Trim() != "ready"; looks++)
            {
                Assert.True(looks < 300, "it does not become healthy again");
                await Task.Delay(100, Cancel);
            }

            Assert.Equal(ReserveMegabytes << 20, new FileInfo(Path.Combine(inside, "reserve")).Length);
        }

        Directory.Delete(disk, recursive: true);
        Directory.Delete(image, recursive: true);
    }

    private static async Task<bool> MayMountAsync()
    {
        using var process = System.Diagnostics.Process.Start("unshare", ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
        await process.WaitForExitAsync(Cancel);
        return process.ExitCode == 0;
    }

    /// <summary>Takes every free byte.</summary>
    private static void Fill(string folder)
    {
        using var file = new FileStream(Path.Combine(folder, "filler"), FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var size in (int[])[1 << 16, 4096, 512])
        {
            var block = new byte[size];
            try
            {
                while (true)
                {
                    file.Write(block);
                }
            }
            catch (IOException)
            {
                // Full for blocks of this size.
            }
        }
    }

    private static void Empty(string folder) => File.Delete(Path.Combine(folder, "filler"));

    private static async Task<string> ReadyAsync(HttpClient client, HttpStatusCode? expected = null)
    {
        using var reply = await client.GetAsync("/health/ready", Cancel);
        var text = await reply.Content.ReadAsStringAsync(Cancel);
        Assert.True(expected is null || reply.StatusCode == expected, text);
        return text;
    }

    private static async Task<(HttpStatusCode Status, bool Accepted)> ValidateAsync(HttpClient client, long counter)
    {
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "F1", code = Codes.Hotp(Codes.Secret, counter) }, Cancel);
        var body = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        return (reply.StatusCode, body.TryGetProperty("accepted", out var accepted) && accepted.GetBoolean());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
