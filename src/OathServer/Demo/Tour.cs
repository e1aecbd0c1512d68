using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using OathServer.Access;
using OathServer.Provisioning;
using SecurityKeys.OathApplet;

namespace OathServer.Demo;

/// <summary>The tour, as its visitor reads it: every step goes through the HTTP API that anybody else uses; only pressing
/// the keys is done here.</summary>
internal sealed class Tour : IDisposable
{
    public const int Keys = 25;
    private const string Batch = "demo-shipment";
    private const int Drift = 40;

    private readonly HttpClient client;
    private readonly KeyReaders readers;
    private readonly string apiKey;
    private readonly List<(string Reader, string Serial, string Cuid)> ready = [];
    private bool allHeld = true;

    public Tour(WebApplication app, Uri address, string apiKey)
    {
        this.apiKey = apiKey;
        readers = app.Services.GetRequiredService<KeyReaders>();
        client = new HttpClient { BaseAddress = address };
        client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, apiKey);
    }

    /// <summary>True when every step held.</summary>
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        await ImportAsync(cancel);
        if (allHeld)
        {
            await ProvisionAsync(cancel);
        }

        if (!allHeld)
        {
            Console.WriteLine("The tour stops here.");
            return false;
        }

        await ValidateAsync(cancel);
        await RepairDriftAsync(cancel);
        await ShowRecordAsync(cancel);
        await ShowGapsAsync(cancel);
        ShowWhatToTry();
        return allHeld;
    }

    public void Dispose() => client.Dispose();

    private async Task ImportAsync(CancellationToken cancel)
    {
        Heading("1  One shipment: an encrypted PSKC file, its MACs checked, imported whole");
        var folder = SamplesFolder();
        using var file = new ByteArrayContent(await File.ReadAllBytesAsync(Path.Combine(folder, "shipment.pskcxml"), cancel));
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/imports?batch={Batch}&fileName=shipment.pskcxml") { Content = file };
        file.Headers.ContentType = new MediaTypeHeaderValue("application/pskc+xml");
        request.Headers.Add("X-PSKC-Key", (await File.ReadAllTextAsync(Path.Combine(folder, "shipment.key.hex"), cancel)).Trim());
        using var reply = await client.SendAsync(request, cancel);
        var report = await reply.Content.ReadFromJsonAsync<JsonElement>(cancel);
        Check(reply.StatusCode == HttpStatusCode.Created, "imported", reply.StatusCode == HttpStatusCode.Created ? $"{report.GetProperty("totals").GetProperty("imported").GetInt32()} credentials with their start counters" : report.ToString());
    }

    private async Task ProvisionAsync(CancellationToken cancel)
    {
        Heading($"2  {Keys} virtual keys provisioned from those credentials");
        var started = TimeProvider.System.GetTimestamp();
        var number = 0;
        foreach (var reader in readers.List().Where(r => r.Kind == KeyReaders.VirtualKind))
        {
            number++;
            using var reply = await client.PostAsJsonAsync(
                "/v1/provisioning", new { reader = reader.Name, batch = Batch, user = $"user{number:D2}" }, cancel);
            var job = await reply.Content.ReadFromJsonAsync<JsonElement>(cancel);
            if (reply.StatusCode == HttpStatusCode.Created && job.GetProperty("state").GetString() == "confirmed")
            {
                ready.Add((reader.Name, job.GetProperty("serial").GetString()!, job.GetProperty("cuid").GetString()!));
                if (number == 1)
                {
                    foreach (var step in job.GetProperty("steps").EnumerateArray())
                    {
                        var detail = step.TryGetProperty("detail", out var words) ? words.GetString() : "";
                        Console.WriteLine($"     {step.GetProperty("name").GetString(),-15} {step.GetProperty("state").GetString(),-8} {detail}");
                    }
                }
            }
            else
            {
                Check(held: false, reader.Name, job.ToString());
            }
        }

        var took = TimeProvider.System.GetElapsedTime(started);
        Check(ready.Count == Keys, "provisioned", string.Create(CultureInfo.InvariantCulture, $"{ready.Count}/{Keys} keys in {took.TotalSeconds:F1} s; each first code was accepted by the path relying parties use"));
    }

    private async Task ValidateAsync(CancellationToken cancel)
    {
        Heading("3  Every key's next code at POST /v1/validate, then the same codes again");
        var codes = ready.ConvertAll(key => (key.Serial, Code: Press(key.Reader, key.Serial)));
        var accepted = 0;
        foreach (var (serial, code) in codes)
        {
            accepted += await AcceptsAsync(serial, code, cancel) ? 1 : 0;
        }

        Check(accepted == Keys, "accepted", $"{accepted}/{Keys}");
        var refused = 0;
        foreach (var (serial, code) in codes)
        {
            refused += await AcceptsAsync(serial, code, cancel) ? 0 : 1;
        }

        Check(refused == Keys, "replays refused", $"{refused}/{Keys}");
    }

    private async Task RepairDriftAsync(CancellationToken cancel)
    {
        Heading($"4  A key pressed {Drift} times in a pocket, repaired by two consecutive codes");
        var (reader, serial, _) = ready[0];
        for (var i = 0; i < Drift; i++)
        {
            _ = Press(reader, serial);
        }

        Check(!await AcceptsAsync(serial, Press(reader, serial), cancel), "past its window", $"token {serial} is refused, as it should be");
        using var reply = await client.PostAsJsonAsync(
            $"/v1/tokens/{serial}/resync", new { codes = new[] { Press(reader, serial), Press(reader, serial) } }, cancel);
        var found = await reply.Content.ReadFromJsonAsync<JsonElement>(cancel);
        Check(reply.IsSuccessStatusCode, "resynchronised", reply.IsSuccessStatusCode ? $"it was {found.GetProperty("distance").GetInt64()} codes ahead" : found.ToString());
        Check(await AcceptsAsync(serial, Press(reader, serial), cancel), "accepted again", "the next code");
    }

    private async Task ShowRecordAsync(CancellationToken cancel)
    {
        Heading("5  The record of one key, by its CUID");
        using var reply = await client.GetAsync(new Uri($"/v1/records/{ready[0].Cuid}", UriKind.Relative), cancel);
        var record = await reply.Content.ReadFromJsonAsync<JsonElement>(cancel);
        Check(reply.IsSuccessStatusCode, "found", $"GET /v1/records/{ready[0].Cuid}");
        foreach (var member in record.EnumerateObject())
        {
            Console.WriteLine($"     {member.Name,-20} {member.Value}");
        }
    }

    private async Task ShowGapsAsync(CancellationToken cancel)
    {
        Heading("6  The five gaps, counted over the records");
        var readiness = await client.GetFromJsonAsync<JsonElement>($"/v1/readiness?batch={Batch}", cancel);
        foreach (var gap in readiness.GetProperty("gaps").EnumerateArray())
        {
            var (closed, of) = (gap.GetProperty("closed").GetInt32(), gap.GetProperty("of").GetInt32());
            Check(closed == of && of == Keys, $"gap {gap.GetProperty("gap").GetInt32()}", $"{gap.GetProperty("what").GetString()} {closed}/{of}");
        }

        Check(readiness.GetProperty("readyForHandout").GetBoolean(), "verdict", "ready for handout");
    }

    private void ShowWhatToTry()
    {
        var (reader, serial, _) = ready[1];
        Heading("Try it");
        Console.WriteLine($"   server  {client.BaseAddress}    API  {client.BaseAddress}docs");
        Console.WriteLine($"   curl -s {client.BaseAddress}v1/validate -H 'X-API-Key: {apiKey}' -H 'Content-Type: application/json' -d '{{\"serial\":\"{serial}\",\"code\":\"{Press(reader, serial)}\"}}'");
        Console.WriteLine("   The first call is accepted, every further one is not.");
    }

    private async Task<bool> AcceptsAsync(string serial, string code, CancellationToken cancel)
    {
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code }, cancel);
        return reply.IsSuccessStatusCode && (await reply.Content.ReadFromJsonAsync<JsonElement>(cancel)).GetProperty("accepted").GetBoolean();
    }

    /// <summary>What the holder does: asks the key for its next code, which moves the key on.</summary>
    private string Press(string reader, string serial)
    {
        using var session = readers.Open(reader) ?? throw new InvalidOperationException($"{reader} is in use.");
        var oath = OathApplication.Select(session.Card);
        var credential = oath.List().Single(c => c.Name.Contains(serial, StringComparison.Ordinal));
        return oath.CalculateHotp(credential.Name) ?? throw new InvalidOperationException($"{reader} has no credential of {serial}.");
    }

    private void Check(bool held, string what, string detail)
    {
        allHeld &= held;
        Console.WriteLine($"   {(held ? "ok  " : "FAIL")} {what,-16} {detail}");
    }

    private static void Heading(string text)
    {
        Console.WriteLine();
        Console.WriteLine(text);
    }

    private static string SamplesFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var samples = Path.Combine(folder.FullName, "samples", "pskc");
            if (File.Exists(Path.Combine(samples, "shipment.pskcxml")))
            {
                return samples;
            }
        }

        throw new InvalidOperationException("samples/pskc/shipment.pskcxml was not found beside the program or above it.");
    }
}
