using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Import;

namespace OathServer.Tests.Import;

/// <summary>What the import tests have in common: sample files, and sending them.</summary>
internal static class Uploads
{
    public static string Samples { get; } = FindSamples();

    public static string ShipmentKey => File.ReadAllText(Path.Combine(Samples, "pskc", "shipment.key.hex")).Trim();

    public static byte[] Sample(string path) => File.ReadAllBytes(Path.Combine(Samples, path));

    public static async Task<HttpResponseMessage> ImportAsync(
        this ServerUnderTest server, byte[] file, string query = "", string? key = null, string? passphrase = null, string? accept = null)
    {
        var client = await server.Client(Roles.Provisioner);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/imports" + query) { Content = new ByteArrayContent(file) };
        if (key is not null)
        {
            request.Headers.Add("X-PSKC-Key", key);
        }

        if (passphrase is not null)
        {
            request.Headers.Add("X-PSKC-Passphrase", passphrase);
        }

        if (accept is not null)
        {
            request.Headers.Add("Accept", accept);
        }

        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    public static async Task<ImportReport> ReportAsync(this HttpResponseMessage reply, HttpStatusCode expected)
    {
        var text = await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(expected == reply.StatusCode, $"{reply.StatusCode}: {text}");
        return JsonSerializer.Deserialize<ImportReport>(text, ShipmentImport.ReportJson)!;
    }

    public static async Task<JsonElement> ProblemAsync(this HttpResponseMessage reply, HttpStatusCode expected)
    {
        var text = await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(expected == reply.StatusCode, $"{reply.StatusCode}: {text}");
        Assert.Equal("application/problem+json", reply.Content.Headers.ContentType?.MediaType);
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Rows of everything an import may write.</summary>
    public static Task<(int Tokens, int Counters, int Imports, int People)> RowsAsync(this ServerUnderTest server) => server.WithDatabase(async db => (
        await db.Tokens.CountAsync(), await db.Counters.CountAsync(), await db.Imports.CountAsync(), await db.People.CountAsync()));

    private static string FindSamples()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "OathServer.sln")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder!.FullName, "samples");
    }
}
