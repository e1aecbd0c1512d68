using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Import;

namespace OathServer.Tests.Import;

public class UploadTests
{
    private static readonly byte[] shipment = Uploads.Sample("pskc/shipment.pskcxml");

    [Theory]
    [InlineData("?key=7baaa975b8e1cd36a4e4df1c9115f6b3")]
    [InlineData("?X-PSKC-Key=7baaa975b8e1cd36a4e4df1c9115f6b3")]
    [InlineData("?passphrase=secret")]
    public async Task A_key_in_the_address_is_refused_and_never_repeated(string query)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var problem = await (await server.ImportAsync(shipment, query)).ProblemAsync(HttpStatusCode.BadRequest);

        Assert.Contains("address", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(query.Split('=')[1], problem.GetRawText(), StringComparison.Ordinal);
        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    [Theory]
    [InlineData("?dryrun=true")]
    [InlineData("?dryRun=perhaps")]
    [InlineData("?format=guess")]
    [InlineData("?batch=a&batch=b")]
    public async Task A_parameter_we_do_not_know_is_refused(string query)
    {
        await using var server = await ServerUnderTest.StartAsync();

        await (await server.ImportAsync(shipment, query, Uploads.ShipmentKey)).ProblemAsync(HttpStatusCode.BadRequest);

        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    [Fact]
    public async Task What_curl_sends_without_being_told_a_type_is_the_file()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client(Roles.Provisioner);
        using var content = new ByteArrayContent(Uploads.Sample("import/reseed.csv"));
        content.Headers.ContentType = new("application/x-www-form-urlencoded");

        using var reply = await client.PostAsync("/v1/imports", content, TestContext.Current.CancellationToken);

        Assert.Equal(5, (await reply.ReportAsync(HttpStatusCode.Created)).Totals.Imported);
    }

    [Fact]
    public async Task A_form_carries_file_key_owners_and_settings_in_any_order()
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(shipment), "file", "shipment.pskcxml" },
            { new StringContent(Uploads.ShipmentKey), "key" },
            { new StringContent("autumn"), "batch" },
            { new StringContent("serial,user\nOSK00000001,Ada\nOSK00000002,Bob\n"), "owners", "owners.csv" },
        };

        using var reply = await (await server.Client(Roles.Provisioner)).PostAsync("/v1/imports", form, TestContext.Current.CancellationToken);

        var report = await reply.ReportAsync(HttpStatusCode.Created);
        Assert.Equal(("shipment.pskcxml", "autumn", 30), (report.FileName, report.Batch, report.Totals.Imported));
        Assert.Equal("Ada", report.Keys[0].User);
        Assert.Equal(2, (await server.RowsAsync()).People);
        var owner = await server.WithDatabase(db => db.Tokens.Where(t => t.Serial == "OSK00000002").Select(t => t.Person!.Name).SingleAsync());
        Assert.Equal("Bob", owner);
    }

    [Theory]
    [InlineData("no part at all")]
    [InlineData("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nit breaks off")]
    public async Task A_form_that_breaks_off_is_a_bad_request_and_imports_nothing(string body)
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var content = new StringContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x");

        using var reply = await (await server.Client(Roles.Provisioner)).PostAsync("/v1/imports", content, TestContext.Current.CancellationToken);

        await reply.ProblemAsync(HttpStatusCode.BadRequest);
        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    [Fact]
    public async Task An_owner_for_a_key_that_is_not_in_the_file_refuses_all()
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var form = new MultipartFormDataContent
        {
            { new StringContent(Uploads.ShipmentKey), "key" },
            { new StringContent("OSK99999999,Ada\n"), "owners", "owners.csv" },
            { new ByteArrayContent(shipment), "file", "shipment.pskcxml" },
        };

        using var reply = await (await server.Client(Roles.Provisioner)).PostAsync("/v1/imports", form, TestContext.Current.CancellationToken);

        var problem = await reply.ProblemAsync(HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("bad-owners", "OSK99999999"), (problem.GetProperty("fault").GetString(), problem.GetProperty("serial").GetString()));
        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    [Fact]
    public async Task An_imported_owner_is_validated_by_name()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var seed = Codes.Secret;

        await (await server.ImportAsync(Encoding.ASCII.GetBytes($"# version: 2\nmia, ldap, default, V1, {Convert.ToHexString(seed)}, hotp, 6, 9\n"))).ReportAsync(HttpStatusCode.Created);

        var client = await server.Client(Roles.RelyingParty);
        using var body = new StringContent(JsonSerializer.Serialize(new { user = "MIA", code = Codes.Hotp(seed, 9) }), Encoding.UTF8, "application/json");
        using var reply = await client.PostAsync("/v1/validate", body, TestContext.Current.CancellationToken);
        Assert.Contains("\"accepted\":true", await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_and_the_report_come_as_events_to_who_asks_for_them()
    {
        await using var server = await ServerUnderTest.StartAsync();

        using var reply = await server.ImportAsync(shipment, key: Uploads.ShipmentKey, accept: "text/event-stream");
        var events = await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using var bad = await server.ImportAsync(shipment[..5000], key: Uploads.ShipmentKey, accept: "text/event-stream");
        var refused = await bad.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal("text/event-stream", reply.Content.Headers.ContentType?.MediaType);
        Assert.Contains("event: report", events, StringComparison.Ordinal);
        Assert.Contains("\"imported\":30", events, StringComparison.Ordinal);
        Assert.Contains("event: refused", refused, StringComparison.Ordinal);
        Assert.Contains("truncated", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_import_runs_at_a_time_and_ending_it_leaves_nothing_behind()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var endless = new EndlessRows();
        var imports = server.Services.GetRequiredService<ShipmentImport>();
        var first = Task.Run(() => server.WithDatabase(db => imports.ImportAsync(
            db, endless, "endless.csv", new ImportOptions { Format = OathServer.Import.Formats.SeedFormat.SerialSecretCounter },
            new AuditEvent("test", "", ""), TestContext.Current.CancellationToken)), TestContext.Current.CancellationToken);
        await endless.Begun;

        var second = await (await server.ImportAsync(shipment, key: Uploads.ShipmentKey)).ProblemAsync(HttpStatusCode.Conflict);
        var client = await server.Client(Roles.Provisioner);
        using var ended = await client.DeleteAsync("/v1/imports/running", TestContext.Current.CancellationToken);

        Assert.Contains("endless.csv", second.GetProperty("title").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, ended.StatusCode);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
        await (await server.ImportAsync(shipment, key: Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Cancelling_while_the_rows_are_written_leaves_nothing_behind()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var rows = new StringBuilder();
        for (var i = 0; i < 3000; i++)
        {
            rows.Append(System.Globalization.CultureInfo.InvariantCulture, $"S{i:D6},{i:X40},{i}\n");
        }

        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var options = new ImportOptions
        {
            Encoding = OathServer.Import.Formats.SecretEncoding.Hex,
            Progress = progress =>
            {
                if (progress.Stage == ImportStage.Writing)
                {
                    cancel.Cancel();
                }
            },
        };
        var imports = server.Services.GetRequiredService<ShipmentImport>();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.WithDatabase(db => imports.ImportAsync(
            db, new MemoryStream(Encoding.ASCII.GetBytes(rows.ToString())), "rows.csv", options, new AuditEvent("test", "", ""), cancel.Token)));

        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    /// <summary>A file that never ends, until nobody reads it any more.</summary>
    private sealed class EndlessRows : Stream
    {
        private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int row;

        public Task Begun => begun.Task;

        public override int Read(byte[] buffer, int offset, int count)
        {
            var text = Encoding.ASCII.GetBytes($"S{++row},{row:X40},{row}\n");
            text.CopyTo(buffer, offset);
            if (row > 1000)
            {
                begun.TrySetResult();
                Thread.Sleep(1);
            }

            return text.Length;
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => row; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
