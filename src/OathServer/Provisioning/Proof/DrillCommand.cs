using System.CommandLine;
using OathServer.Access;

namespace OathServer.Provisioning.Proof;

/// <summary><c>drill --server URL --api-key-file FILE</c>: asks a running server, which has the readers, to drill.</summary>
internal static class DrillCommand
{
    public static Command Create()
    {
        var server = new Option<string>("--server") { Required = true, Description = "Address of the running server." };
        var key = new Option<FileInfo>("--api-key-file") { Required = true, Description = "A file with an API key of role provisioner on its first line." };
        var readers = new Option<string[]>("--reader") { Description = "A reader to drill the key in; may be given again. All that hold a key when left out." };
        var sample = new Option<int?>("--sample") { Description = "At most so many keys, drawn at random." };
        var drill = new Command("drill",
            "Unblocks keys that are not handed out yet with their escrowed PUKs and records that it worked. Exit 0: every key tried worked; 1: one was refused or none was tried; 2: the server did not do it.")
        {
            server, key, readers, sample,
        };
        drill.SetAction((parsed, cancel) => RunAsync(
            parsed.GetRequiredValue(server), parsed.GetRequiredValue(key),
            new DrillRequest(parsed.GetValue(readers) is { Length: > 0 } named ? named : null, parsed.GetValue(sample)), cancel));
        return drill;
    }

    private static async Task<int> RunAsync(string address, FileInfo keyFile, DrillRequest request, CancellationToken cancel)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var server) || server.Scheme is not ("http" or "https"))
        {
            await Console.Error.WriteLineAsync("--server is an address such as https://oath.example.org/.");
            return 2;
        }

        try
        {
            using var client = new HttpClient { BaseAddress = server };
            client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, File.ReadLines(keyFile.FullName).FirstOrDefault()?.Trim() ?? "");
            using var reply = await client.PostAsJsonAsync("v1/drills", request, cancel);
            if (!reply.IsSuccessStatusCode)
            {
                await Console.Error.WriteLineAsync($"{(int)reply.StatusCode}: {await reply.Content.ReadAsStringAsync(cancel)}");
                return 2;
            }

            var lines = (await reply.Content.ReadFromJsonAsync<DrillLine[]>(cancel))!;
            foreach (var line in lines)
            {
                Console.WriteLine($"{line.Outcome}\t{line.Cuid ?? "-"}\t{line.Reader}\t{line.Why}");
            }

            var tried = lines.Count(l => l.Outcome != "not-tried");
            await Console.Error.WriteLineAsync(tried == 0 ? "No key was tried." : $"{lines.Count(l => l.Outcome == "worked")} of {tried} worked.");
            return tried > 0 && lines.All(l => l.Outcome != "refused") ? 0 : 1;
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or UnauthorizedAccessException or UriFormatException or FormatException
            or NotSupportedException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return 2;
        }
    }
}
