using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;
using Pskc;

namespace OathServer.Import.Export;

/// <summary>Which credentials leave, why, and for whom they are sealed.</summary>
/// <param name="Reason">Why; kept in the audit trail.</param>
/// <param name="Serials">Up to 1000 serial numbers; else batch, import, realm or all.</param>
/// <param name="Batch">The tokens of a batch.</param>
/// <param name="Import">The tokens of an import.</param>
/// <param name="Realm">The tokens of a realm.</param>
/// <param name="All">Every token.</param>
/// <param name="Key">The recipient's pre-shared key in hexadecimal.</param>
/// <param name="Passphrase">A passphrase the recipient has; at least 12 characters.</param>
/// <param name="Certificate">The recipient's RSA certificate in PEM.</param>
/// <param name="Encryption">How values are encrypted; aes-cbc-hmac-sha256 when left out.</param>
/// <param name="EncryptIntegers">Also encrypt counters and times.</param>
/// <param name="Suspend">Suspend the tokens here first, so that the counters in the file stay true.</param>
public sealed record ExportRequest(
    string Reason, string[]? Serials = null, string? Batch = null, long? Import = null, string? Realm = null, bool All = false,
    string? Key = null, string? Passphrase = null, string? Certificate = null, ValueEncryption? Encryption = null,
    bool EncryptIntegers = false, bool Suspend = false)
{
    /// <summary>Without the secrets it holds.</summary>
    public override string ToString() => nameof(ExportRequest);
}

/// <summary><c>POST /v1/exports</c>: credentials out, sealed.</summary>
internal static class ExportEndpoint
{
    public const string KeysHeader = "X-Export-Keys";
    public const string LeftHeader = "X-Export-Disabled";
    public const string DigestHeader = "X-Export-SHA-256";

    private const int ReasonMax = 500;

    public static void MapExport(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/exports", Export).RequireAuthorization(Rules.Administer).KeepsToRealms()
            .WithSummary("Exports credentials as a key container sealed for a recipient.")
            .Produces(StatusCodes.Status200OK, contentType: "application/pskc+xml").ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict);

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> Export(
        ExportRequest request, HttpContext http, OathDbContext db, CredentialExport exports, TimeProvider time, CancellationToken cancel)
    {
        var selection = new ExportSelection
        {
            Serials = request.Serials,
            Batch = request.Batch,
            Import = request.Import,
            Realm = request.Realm,
            All = request.All,
            Within = http.ApiKey() is { Realms.Length: > 0 } key ? key.Realms : null,
        };
        if (ReasonFault(request.Reason) is { } fault)
        {
            return Problem.BadField("reason", fault);
        }

        if (selection.Fault() is { } wrong)
        {
            return Problem.BadField("serials", wrong);
        }

        if (!TryReadRecipient(request, out var recipient, out var field, out var why))
        {
            return Problem.BadField(field, why);
        }

        using (recipient)
        {
            // Sealed already, and gone when closed; a file and not memory, as a hundred thousand keys are 80 MB.
            var file = new FileStream(
                Path.Combine(Path.GetTempPath(), $"oathserver-export-{Guid.NewGuid():N}"), Private(FileOptions.DeleteOnClose | FileOptions.Asynchronous));
            http.Response.RegisterForDispose(file);
            try
            {
                var receipt = await exports.ExportAsync(
                    db, file, selection, new PskcWriteOptions { Protection = recipient.Protection, EncryptIntegers = request.EncryptIntegers },
                    recipient.Words, request.Suspend, request.Reason.Trim(), Actors.Of(http), progress: null, cancel);
                http.Response.Headers[KeysHeader] = receipt.Keys.ToString(System.Globalization.CultureInfo.InvariantCulture);
                http.Response.Headers[LeftHeader] = receipt.Left.ToString(System.Globalization.CultureInfo.InvariantCulture);
                http.Response.Headers[DigestHeader] = receipt.Digest;
                http.Response.Headers.CacheControl = "no-store";
                return TypedResults.File(file, "application/pskc+xml", $"credentials-{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}.pskcxml");
            }
            catch (ExportRefusedException refusal)
            {
                return Problem.Conflict(refusal.Message, refusal.Next);
            }
        }
    }

    /// <summary>A file that is made anew and that only its owner can read.</summary>
    internal static FileStreamOptions Private(FileOptions options)
    {
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Options = options, BufferSize = 1 << 16 };
        if (!OperatingSystem.IsWindows())
        {
            create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return create;
    }

    internal static string? ReasonFault(string reason) =>
        string.IsNullOrWhiteSpace(reason) || reason.Length > ReasonMax || reason.Any(char.IsControl)
            ? $"say why in 1 to {ReasonMax} characters; it is kept in the audit trail." : null;

    private static bool TryReadRecipient(
        ExportRequest request, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Recipient? recipient, out string field, out string why)
    {
        recipient = null;
        (field, why) = ("key", "send one of key, passphrase and certificate: who may open the file?");
        if (new[] { request.Key, request.Passphrase, request.Certificate }.Count(s => s is not null) != 1)
        {
            return false;
        }

        field = request.Key is not null ? "key" : request.Passphrase is not null ? "passphrase" : "certificate";
        try
        {
            recipient = request.Key is { } hex ? Recipient.Key(Convert.FromHexString(hex.Trim()), request.Encryption)
                : request.Passphrase is { } passphrase ? Recipient.Passphrase(passphrase, request.Encryption)
                : OfCertificate(request.Certificate!, request.Encryption);
            return true;
        }
        catch (FormatException)
        {
            // Without the text: it is a key.
            why = "it is not hexadecimal: an even number of digits 0 to 9 and A to F.";
        }
        catch (ArgumentException fault)
        {
            why = fault.Message;
        }
        catch (CryptographicException)
        {
            why = "it is not a certificate in PEM.";
        }

        return false;
    }

    private static Recipient OfCertificate(string pem, ValueEncryption? encryption)
    {
        using var certificate = X509Certificate2.CreateFromPem(pem);
        return Recipient.Certificate(certificate, encryption);
    }
}
