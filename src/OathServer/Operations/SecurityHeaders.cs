using System.Security.Cryptography;
using System.Text;
using OathServer.Access;
using Scalar.AspNetCore;

namespace OathServer.Operations;

/// <summary>What tells a browser how little a page of ours may do (OWASP ASVS 5 V3.4): no script or style but our own
/// files, no frames, no other site, nothing kept.</summary>
internal static class SecurityHeaders
{
    public static void UseSecurityHeaders(this WebApplication app)
    {
        // Browsers hold a form to this even where its answer sends them on: the organisation's sign-in must be allowed.
        var elsewhere = OpenIdSignIn.OriginOf(app.Configuration);
        var formAction = elsewhere is null ? "'self'" : $"'self' {elsewhere}";
        app.Use(next => http =>
        {
            http.Response.OnStarting(() =>
            {
                Add(http, formAction);
                return Task.CompletedTask;
            });
            return next(http);
        });
    }

    /// <summary>Lets this page carry this very style: one to print is kept as a single file. By its digest, so that nothing
    /// else gets in (CSP 3 §2.3.1).</summary>
    public static void AllowStyle(HttpContext http, string css) =>
        http.Items[typeof(SecurityHeaders)] = $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(css)))}'";

    private static void Add(HttpContext http, string formAction)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        // The API's page is made by a library: its script is let in by a nonce, its style has none.
        var (script, style) = http.Items[ScalarOptions.NonceHttpContextItemKey] is string nonce
            ? ($"'self' 'nonce-{nonce}'", "'self' 'unsafe-inline'")
            : ("'self'", http.Items[typeof(SecurityHeaders)] is string own ? own : "'self'");
        headers.ContentSecurityPolicy =
            $"default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
            + $"form-action {formAction}; base-uri 'none'; frame-ancestors 'none'";
        if (headers.CacheControl.Count == 0 && !IsFile(http.Request.Path))
        {
            headers.CacheControl = "no-store";
        }
    }

    /// <summary>Style, script and pictures are the same for everybody.</summary>
    private static bool IsFile(PathString path) => path.Value is { } text && Path.GetExtension(text) is ".css" or ".js" or ".svg" or ".ico" or ".png" or ".woff2";
}
